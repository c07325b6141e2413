/** Archives by strangers' programs, sent through a real sshd, become the root file system; bad ones change nothing. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { getattr } from '../../src/nfs/procedures/getattr.ts';
import { END_MARKER, headerOf } from '../../src/tar/writer.ts';
import { listEveryKind, makeEveryKind } from '../support/every-kind.ts';
import { LIVE, LONG_MS, RootsLab } from '../support/roots-lab.ts';
import { eventually } from '../support/ssh-session.ts';
import { compareTrees, type Listing } from '../support/tree-listing.ts';

let roots: RootsLab;
beforeAll(async () => {
  roots = await RootsLab.start();
});
afterAll(() => roots?.lab.stop());

const inLab = (name: string) => path.join(roots.lab.directory, name);
const sh = (script: string) => roots.runAsRoot('/bin/sh', '-ec', script);
const SUMMARY =
  /^novaboot-shell: Unpacked [\d,]+ files, [\d.]+ \w+ in [\d.]+ s\. The old one is (gone|@\d+ while boards run on it)\.\n$/;

/** Makes the archive of a directory of the lab, with what the script says. @returns it */
function archive(script: string): Buffer {
  sh(`rm -f archive; ${script}`);
  return fs.readFileSync(inLab('archive'));
}

const untar = (input: Buffer | string, ...options: string[]) =>
  roots.lab.ssh('bob', ['untar', ...options, '-'], { input });

async function accepted(input: Buffer | string): Promise<void> {
  const { stdout, stderr, exitCode } = await untar(input);
  expect(stderr).toMatch(SUMMARY);
  expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 0 });
}

/** Puts a file where rsync-nfsroot puts uploads. */
async function upload(name: string, content: Buffer): Promise<void> {
  await roots.lab.sh(`umask 077; mkdir -p nfsroot/bob; cat >'nfsroot/bob/${name}'`, content);
}

describe('every kind of file', () => {
  let original: Listing;
  beforeAll(async () => {
    await roots.clean();
    makeEveryKind(inLab('original'), roots.lab.uid);
    // No archive holds sockets.
    fs.rmSync(inLab('original/dev/socket'));
    execFileSync('touch', ['-d', '2005-06-07 08:09:10.111213141', inLab('original/dev')]);
    original = listEveryKind(inLab('original'));
  });

  /** As stock rsync brings it back. */
  function downloaded(): Listing {
    roots.runAsRoot('rm', '-rf', 'copy');
    const rsh = `--rsh=${roots.lab.rsyncRsh('bob')}`;
    const options = ['-aHAXS', '--numeric-ids', rsh, '--rsync-path=rsync-nfsroot'];
    roots.runAsRoot('rsync', ...options, 'board@127.0.0.1:root/', 'copy/');
    return listEveryKind(inLab('copy'));
  }

  /** What differs by more than what the format or its writer leaves out. @param fields that are not kept */
  function differences(...fields: readonly string[]): Record<string, string> {
    const found = Object.entries(compareTrees(original, downloaded())).map(([name, list]) => {
      const others = list.split(' ').filter((field) => !fields.includes(field));
      return [name, others.join(' ')];
    });
    return Object.fromEntries(found.filter(([, others]) => others !== ''));
  }

  /** Writers store each name of a device as a device of its own, and GNU tar those of a FIFO. */
  const DEVICE_LINKS = { 'dev/console': 'links', 'links/console': 'links' };
  const GNU_LINKS = { ...DEVICE_LINKS, 'dev/pipe': 'links', 'links/pipe': 'links' };

  test(
    'by GNU tar, pax',
    async () => {
      const words = "--format=pax --xattrs --xattrs-include='*' --acls --numeric-owner -S";
      await accepted(archive(`tar ${words} -C original -cf archive .`));
      expect(differences()).toEqual(GNU_LINKS);
    },
    LONG_MS,
  );

  test(
    'by GNU tar, in its own format',
    async () => {
      await accepted(archive('tar --format=gnu --numeric-owner -S -C original -cf archive .'));
      expect(differences('mtime', 'attributes')).toEqual(GNU_LINKS);
    },
    LONG_MS,
  );

  test(
    'by bsdtar',
    async () => {
      const words = '--format=pax --numeric-owner --xattrs --acls';
      await accepted(archive(`bsdtar ${words} -C original -cf archive .`));
      // Fractions of a second before 1970 are counted the wrong way.
      const old = Object.keys(original).filter((name) => name.startsWith('times/1960'));
      const times = Object.fromEntries(old.map((name) => [name, 'mtime']));
      expect(differences()).toEqual({ ...DEVICE_LINKS, ...times });
    },
    LONG_MS,
  );

  test(
    'by busybox tar',
    async () => {
      // Its numbers of owners end at 2097151.
      await accepted(archive('busybox tar -C original -cf archive .'));
      const found = differences('mtime', 'attributes', 'allocated');
      const missing = Object.entries(found).filter(([name]) => !name.includes('4294967294'));
      expect(Object.fromEntries(missing)).toEqual({});
    },
    LONG_MS,
  );
});

describe('forms', () => {
  const PROGRAMS = { plain: 'cat', gzip: 'gzip', zstd: 'zstd -q -19', xz: 'xz -6', bzip2: 'bzip2' };
  beforeAll(async () => {
    await roots.clean();
    sh('mkdir -p small/etc; echo one >small/etc/one; ln -s one small/etc/link; seq 200000 >small/numbers');
  });

  test.each(Object.entries(PROGRAMS))('%s, from a file and from standard input', async (_, program) => {
    const content = archive(`tar -C small -cf - . | ${program} >archive`);
    await accepted(content);
    expect(await roots.lab.read('nfsroot/bob/root/etc/link')).toBe('one');
    await upload('any.name', content);
    await roots.lab.sh('rm -r nfsroot/bob/root/etc');
    const { stdout, stderr, exitCode } = await roots.lab.ssh('bob', ['untar', 'any.name']);
    expect(stderr).toMatch(SUMMARY);
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 0 });
    expect(await roots.lab.read('nfsroot/bob/root/numbers')).toMatch(/\n200000\n$/);
  });

  test('-v lists names, with escapes', async () => {
    const name = Buffer.from('odd\x1b\n\\\xff-\u00e4', 'utf8').toString('latin1').replace('\xc3\xbf', '\xff');
    fs.mkdirSync(inLab('odd'));
    fs.writeFileSync(Buffer.concat([Buffer.from(`${inLab('odd')}/`), Buffer.from(name, 'latin1')]), '');
    const { stdout, exitCode } = await untar(archive('tar -C odd -cf archive .'), '-v');
    expect({ stdout, exitCode }).toEqual({ stdout: './\n./odd\\033\\n\\\\\\377-\u00e4\n', exitCode: 0 });
  });

  test('progress in a terminal, and nothing of it is left', async () => {
    sh('mkdir many; cd many; seq 20000 | xargs touch');
    await upload('many.tar', archive('tar -C many -cf archive .'));
    const session = roots.lab.spawnSsh('bob', ['untar', 'many.tar'], { tty: true });
    const { exitCode } = await session.exited;
    expect(exitCode).toBe(0);
    expect(session.stdout).toMatch(/\r\x1b\[K\d+ %: 0 B, \d+ files, /);
    expect(session.stdout).toMatch(/\r\x1b\[Knovaboot-shell: Unpacked 20001 files.*\r\n$/);
  });

  test('a root in a directory of the archive is told', async () => {
    const { stderr, exitCode } = await untar(
      archive('mkdir -p top/rootfs/etc top/rootfs/usr; tar -C top -cf archive rootfs'),
    );
    expect(stderr).toMatch(
      /^novaboot-shell: The root file system lies in rootfs\/: boards look for it at the top.*\nnovaboot-shell: Unpacked 3 files/,
    );
    expect(exitCode).toBe(0);
  });
});

describe('an old root', () => {
  beforeEach(() => roots.clean());

  test('that a board runs on stays for it', async () => {
    await roots.fill();
    const { nfs, top } = await roots.mount();
    try {
      sh('mkdir -p new; echo new >new/file');
      const { stderr } = await untar(archive('tar -C new -cf archive .'));
      expect(stderr).toMatch(/ The old one is @1 while boards run on it\.\n$/);
      expect(await nfs.call(getattr, { object: top })).toHaveProperty('ok');
      expect(await roots.lab.sh('ls nfsroot/bob/root nfsroot/bob/.replaced/1')).toBe(
        'nfsroot/bob/.replaced/1:\netc\nhome\n\nnfsroot/bob/root:\nfile\n',
      );
    } finally {
      nfs.close();
    }
  });

  test('with files that are not ours goes as far as it can', async () => {
    await roots.fill();
    const theirs = `${roots.lab.view}${roots.lab.home}/nfsroot/${LIVE}/theirs`;
    roots.runAsRoot('/bin/sh', '-ec', `mkdir ${theirs}; touch ${theirs}/file`);
    sh('mkdir -p new; echo new >new/file');
    const input = archive('tar -C new -cf archive .');
    const { stderr, exitCode } = await untar(input);
    expect(stderr).toMatch(/\.replaced\/1\.gone is not removed as a whole: EPERM\n.*Unpacked 2 files/s);
    expect(exitCode).toBe(0);
    await accepted(input);
    expect(await roots.lab.sh('ls -A nfsroot/bob/.replaced')).toBe('1.gone\n');
  });

  test('that nobody runs on goes', async () => {
    await roots.fill();
    sh('mkdir -p new; echo new >new/file');
    await accepted(archive('tar -C new -cf archive .'));
    expect(await roots.lab.sh('ls -A nfsroot/bob nfsroot/bob/.replaced')).toBe(
      'nfsroot/bob:\n.replaced\nroot\n\nnfsroot/bob/.replaced:\n',
    );
  });
});

/** Something that goes wrong leaves the old root as it was, and nothing else. */
async function unchanged(run: () => Promise<void>): Promise<void> {
  const before = roots.stored(LIVE);
  await run();
  expect(compareTrees(before, roots.stored(LIVE))).toEqual({});
  expect(await roots.lab.sh('ls -A nfsroot/bob/.replaced 2>/dev/null || true')).toBe('');
}

async function refused(input: Buffer | string, message: RegExp, exitCode = 1): Promise<void> {
  await unchanged(async () => {
    const result = await untar(input);
    expect(result.stderr).toMatch(
      /^novaboot-shell: standard input: [^\n]+\. Your root file system is as it was\n$/,
    );
    expect(result.stderr).toMatch(message);
    expect(result).toMatchObject({ stdout: '', exitCode });
  });
}

describe('bad archives', () => {
  beforeAll(async () => {
    await roots.clean();
    await roots.fill();
    sh('mkdir -p evil; cd evil; echo x >file; ln -s /tmp link; mkdir dir; echo y >dir/file');
  });

  /** What comes of damaged data may show before the damage does. */
  const DAMAGED = /damaged|not a tar archive/;
  test.each<[string, string, RegExp]>([
    ['an absolute name', 'tar -P -cf archive "$PWD/evil/file"', /: an absolute name\. /],
    ['..', 'cd evil/dir; tar -P -cf ../../archive ../file', /\.\.\/file: a name with "\.\."/],
    [
      'a file through a link',
      'tar -C evil -cf archive link; tar -C evil -rf archive --transform "s,^dir,link," dir/file',
      /link\/file: it lies beneath link, which is no directory/,
    ],
    [
      'a hard link outside',
      'cd evil; ln file hard; tar -P --transform "flags=h;s,^file,/etc/passwd," -cf ../archive file hard; rm hard',
      /hard: a hard link to \/etc\/passwd: an absolute name/,
    ],
    [
      'a hard link to nothing',
      'cd evil; ln file hard; tar -cf ../archive file hard; tar -f ../archive --delete file; rm hard',
      /hard: a hard link to file, which is not in the archive before it/,
    ],
    [
      'a tar in a tar',
      'tar -C evil -cf inner.tar .; tar -cf archive inner.tar',
      /nothing but another one, inner\.tar/,
    ],
    [
      'a gzip in a tar',
      'gzip -c evil/file >inner.gz; tar -cf archive inner.gz',
      /nothing but another one, inner\.gz/,
    ],
    ['an empty archive', 'tar -cf archive -T /dev/null', /The archive is empty/],
    ['nothing', ': >archive', /not a tar archive: it is empty/],
    ['no archive', 'head -c 100000 /dev/urandom >archive', /not a tar archive/],
    ['a text', 'seq 10000 >archive', /not a tar archive/],
    ['gzip of no archive', 'seq 10000 | gzip >archive', /not a tar archive/],
    ['a zip archive', "printf 'PK\\003\\004%01000d' 0 >archive", /a zip archive/],
    [
      'a wrong checksum',
      `tar -C evil -cf archive .; printf X | dd of=archive bs=1 seek=5 conv=notrunc status=none`,
      /not a tar archive/,
    ],
    [
      'a wrong checksum later',
      `tar -C evil --sort=name -cf archive .; printf X | dd of=archive bs=1 seek=${512 + 5} conv=notrunc status=none`,
      /damaged: no header behind \.\/ \(at byte 512\)/,
    ],
    [
      'damaged gzip',
      `tar -C evil -czf archive .; printf XXXX | dd of=archive bs=1 seek=60 conv=notrunc status=none`,
      DAMAGED,
    ],
    [
      'damaged zstd',
      `tar -C evil -cf - . | zstd -q >archive; printf XXXX | dd of=archive bs=1 seek=60 conv=notrunc status=none`,
      DAMAGED,
    ],
    [
      'damaged xz',
      `tar -C evil -cJf archive .; printf XXXX | dd of=archive bs=1 seek=60 conv=notrunc status=none`,
      DAMAGED,
    ],
    [
      'damaged bzip2',
      `tar -C evil -cjf archive .; printf XXXX | dd of=archive bs=1 seek=10 conv=notrunc status=none`,
      DAMAGED,
    ],
  ])('%s', async (_, script, message) => {
    await refused(archive(script), message);
  });

  test.each([1, 511, 512, 700, 1024, 1030, 1536, 2000])('truncated to %i bytes', async (length) => {
    const whole = archive('tar -C evil --sort=name -b 1 -cf archive .');
    await refused(whole.subarray(0, length), /truncated|not a tar archive/);
  });

  test('a name of 10 MB', async () => {
    const name = Buffer.alloc(10_000_000, 'x');
    const entry = { name, type: 'file', mode: 0, uid: 0, gid: 0, major: 0, minor: 0, size: 0 } as const;
    const rest = { mtime: { seconds: 0, nanoseconds: 0 }, link: Buffer.alloc(0), xattrs: new Map(), acl: {} };
    await refused(Buffer.concat([headerOf({ ...entry, ...rest }), END_MARKER]), /too long extended headers/);
  });

  test('truncated before the end marker', async () => {
    const whole = archive('tar -C evil -b 1 -cf archive .');
    await refused(whole.subarray(0, whole.length - 1024), /truncated/);
  });

  test.each(['gzip', 'zstd -q', 'xz', 'bzip2'])('truncated data of %s', async (program) => {
    const whole = archive(`tar -C evil -cf - . | ${program} >archive`);
    for (const length of [whole.length - 1, whole.length - 9, Math.floor(whole.length / 2)]) {
      await refused(whole.subarray(0, length), /truncated/);
    }
  });
});

describe('bounds', () => {
  beforeAll(async () => {
    await roots.clean();
    await roots.fill();
  });

  test(
    'a decompression bomb ends at the quota',
    async () => {
      await roots.enableNfs('quota=20M\n');
      const bomb = archive('truncate -s 300M zeros; tar -cf - zeros | gzip >archive; rm zeros');
      await refused(bomb, /The archive holds more than the 20 MB that your quota leaves room for/);
    },
    LONG_MS,
  );

  test('a device bomb ends at the number of files', async () => {
    await roots.enableNfs('max_files=500\n');
    const bomb = archive(
      'mkdir nodes; cd nodes; for n in $(seq 600); do mknod n$n c 1 3; done; tar -cf ../archive .',
    );
    await refused(bomb, /more files than your quota leaves room for/);
  });
});

describe('files that are none', () => {
  beforeAll(async () => {
    await roots.clean();
    await roots.fill();
    await roots.lab.sh(`cd nfsroot/bob; mkdir dir; mkfifo fifo; ln -s root link; ln -s ../../.ssh ssh; echo x >file
printf target >stored; setfattr -n user.rsync.%stat -v '120777 0,0 0:0' stored`);
  });

  test.each([
    ['dir', /^novaboot-shell: dir is a directory; untar needs an archive$/],
    ['root', /: root is a directory/],
    ['fifo', /: fifo is not a regular file/],
    ['link', /: link is a symbolic link/],
    ['stored', /: stored is a symbolic link/],
    ['ssh/authorized_keys', /: ssh\/authorized_keys is a symbolic link, or lies behind one$/],
    ['missing.tar', /: missing\.tar is not in your upload directory; put it there with rsync/],
    ['missing/x', /: missing\/x is not in your upload directory/],
    ['file/x', /: file\/x is not in your upload directory: a part of its path is a file$/],
    [
      '../../.ssh/authorized_keys',
      /: \.\.\/\.\.\/\.ssh\/authorized_keys leads out of your upload directory$/,
    ],
    ['/etc/passwd', /: \/etc\/passwd leads out of your upload directory$/],
    ['x'.repeat(5000), /is not in your upload directory$/],
  ])('%s', async (file, message) => {
    const { stdout, stderr, exitCode } = await roots.lab.ssh('bob', ['untar', file]);
    expect(stderr.replace(/\n$/, '')).toMatch(message);
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 1 });
  });

  test('tell so before anybody waits for the board', async () => {
    const holder = roots.lab.spawnSsh('alice', ['console']);
    await eventually('a holder', async () => (await roots.lab.lockHolders()).holders.length === 1);
    const { stderr } = await roots.lab.ssh('bob', ['untar', 'missing.tar']);
    expect(stderr).toMatch(/^novaboot-shell: missing\.tar is not in your upload directory/);
    holder.kill('SIGKILL');
    await roots.lab.clean();
  });

  test.each([[[]], [['a', 'b']], [['-x', 'a']], [['-v']], [['--help']], [['-', '-']]])(
    'wrong words: %j',
    async (words) => {
      const { stderr, exitCode } = await roots.lab.ssh('bob', ['untar', ...words]);
      expect({ stderr, exitCode }).toEqual({
        stderr: 'novaboot-shell: Usage: untar [-v] FILE, untar [-v] -\n',
        exitCode: 64,
      });
    },
  );

  test('a terminal is no archive', async () => {
    const session = roots.lab.spawnSsh('bob', ['untar', '-'], { tty: true });
    expect((await session.exited).exitCode).toBe(64);
    expect(session.stdout).toMatch(/^novaboot-shell: Standard input is a terminal/);
  });

  test('needs NFS, and a name', async () => {
    expect(await roots.lab.ssh('guest', ['untar', 'file'])).toMatchObject({ exitCode: 77 });
    await roots.lab.sh('mv .novaboot-nfs off');
    expect(await roots.lab.ssh('bob', ['untar', 'file'])).toMatchObject({ exitCode: 69 });
    await roots.lab.sh('mv off .novaboot-nfs');
  });
});

describe('others', () => {
  beforeEach(async () => {
    await roots.clean();
    await roots.fill();
    sh('mkdir -p big; [ -e big/noise ] || head -c 3000000 /dev/urandom >big/noise');
  });

  /** An untar that has got a part of its archive and waits for the rest. */
  async function half() {
    const whole = archive('tar -C big -cf archive .');
    const session = roots.lab.spawnSsh('bob', ['untar', '-']);
    session.write(whole.subarray(0, 2_000_000));
    await eventually('a tree in the making', () => roots.lab.exists('nfsroot/bob/.replaced/1/noise'));
    return { session, rest: whole.subarray(2_000_000) };
  }

  test('that work on the same roots wait for another time', async () => {
    const { session, rest } = await half();
    for (const words of [['reset'], ['save', 'x']]) {
      const { stderr, exitCode } = await roots.root(...words);
      expect(stderr).toMatch(/^novaboot-shell: .*untar.* your root file systems.*try again.*\n$/);
      expect(exitCode).toBe(75);
    }
    expect((await roots.lab.ssh('bob', ['--no-wait', 'untar', '-'])).exitCode).toBe(75);
    session.write(rest);
    session.end();
    expect((await session.exited).exitCode).toBe(0);
    expect(await roots.lab.sh('ls nfsroot/bob/root')).toBe('noise\n');
  });

  test('two on the same connection: the second is refused', async () => {
    const controlPath = inLab('control');
    const master = roots.lab.spawnSsh('bob', ['console'], { master: true, controlPath });
    await eventually('a holder', async () => (await roots.lab.lockHolders()).holders.length === 1);
    const whole = archive('tar -C big -cf archive .');
    const first = roots.lab.spawnSsh('bob', ['untar', '-'], { controlPath });
    first.write(whole.subarray(0, 2_000_000));
    await eventually('a tree in the making', () => roots.lab.exists('nfsroot/bob/.replaced/1/noise'));
    const second = await roots.lab.ssh('bob', ['untar', '-'], { controlPath, input: whole });
    expect(second.stderr).toMatch(
      /^novaboot-shell: Another untar, rsync-nfsroot or root command of yours is at work/,
    );
    expect(second.exitCode).toBe(75);
    first.write(whole.subarray(2_000_000));
    first.end();
    expect((await first.exited).exitCode).toBe(0);
    master.kill('SIGKILL');
  });

  test('that upload by rsync: refused meanwhile', async () => {
    const rsync = roots.lab.spawnAs(['flock', '-s', 'nfsroot/bob', 'cat']);
    await eventually('its lock', async () => (await roots.root('reset')).exitCode === 75);
    const { stderr, exitCode } = await untar(archive('tar -C big -cf archive .'));
    expect(stderr).toMatch(
      /^novaboot-shell: Another untar, rsync-nfsroot or root command of yours is at work/,
    );
    expect(exitCode).toBe(75);
    rsync.kill('SIGKILL');
  });

  test('a client that is killed in the middle leaves the old root alone', async () => {
    await unchanged(async () => {
      const { session } = await half();
      session.kill('SIGKILL');
      await eventually('the end of all processes', () => roots.lab.processes().length === 0, 10_000);
    });
  });

  test('a server that is killed in the middle leaves what the next one removes', async () => {
    const { session } = await half();
    const before = roots.stored(LIVE);
    const pid = roots.lab.processes().find(({ command }) => command.includes('novaboot-root'))?.pid ?? 0;
    await roots.lab.signal(pid, 'KILL');
    expect((await session.exited).exitCode).not.toBe(0);
    expect(compareTrees(before, roots.stored(LIVE))).toEqual({});
    await refused('no archive', /not a tar archive/);
  });
});

test('the work is confined', async () => {
  await roots.clean();
  await roots.fill();
  const session = roots.lab.spawnSsh('bob', ['untar', '-']);
  const worker = () => roots.lab.processes().find(({ command }) => command.includes('novaboot-root.js'));
  await eventually('the work', () => worker() !== undefined);
  const status = fs.readFileSync(`/proc/${worker()?.pid}/status`, 'latin1');
  expect(status).toMatch(/^NoNewPrivs:\s+1$/m);
  session.end();
  expect((await session.exited).exitCode).toBe(1);
});

describe('a small disk', () => {
  let small: RootsLab;
  beforeAll(async () => {
    small = await RootsLab.start({ homeKibibytes: 20_000 });
  });
  afterAll(() => small?.lab.stop());

  test('that is full leaves the old root, and room again', async () => {
    await small.fill();
    const before = small.stored(LIVE);
    small.runAsRoot(
      '/bin/sh',
      '-ec',
      'mkdir big; head -c 40000000 /dev/urandom >big/noise; tar -C big -cf archive .',
    );
    const input = fs.readFileSync(path.join(small.lab.directory, 'archive'));
    const { stderr, exitCode } = await small.lab.ssh('bob', ['untar', '-'], { input });
    expect(stderr).toBe(
      'novaboot-shell: standard input: ./noise: the disk is full. Your root file system is as it was\n',
    );
    expect(exitCode).toBe(1);
    expect(compareTrees(before, small.stored(LIVE))).toEqual({});
    expect(await small.lab.sh('ls -A nfsroot/bob/.replaced')).toBe('');
    const free = Number(await small.lab.sh('df --output=avail -k . | tail -n 1'));
    expect(free).toBeGreaterThan(15_000);
  });
});
