/** Root file systems up and down by a real rsync through a real sshd; what runs for that, and its end. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { getattr } from '../../src/nfs/procedures/getattr.ts';
import { lookup } from '../../src/nfs/procedures/lookup.ts';
import { mnt3 } from '../../src/nfs/procedures/mount.ts';
import { readlink } from '../../src/nfs/procedures/readlink.ts';
import { FileType } from '../../src/rootfs/file-type.ts';
import { listEveryKind, makeEveryKind } from '../support/every-kind.ts';
import { connectTcp } from '../support/nfs-client.ts';
import { eventually } from '../support/ssh-session.ts';
import { type Lab, startLab } from '../support/sshd.ts';
import { compareTrees } from '../support/tree-listing.ts';

const BOARD = 'board@127.0.0.1:';
const WHOLE = ['-aHAXS', '--numeric-ids'];
const MEBIBYTE = 2 ** 20;
const TIMEOUT_MS = 60_000;
const asRoot = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
/** Whether user namespaces work for the account. */
const WORLDS = [
  ['with user namespaces', true],
  ['where user namespaces are forbidden', false],
] as const;
const NO_NAMESPACES = `printf '#!/bin/sh\\nexit 1\\n' >/run/unshare
chmod 755 /run/unshare
mount --bind /run/unshare /usr/bin/unshare
`;
const CONSOLE = "console_cmd='echo UP; exec cat'\nreset_cmd='echo RESET'\n";

let lab: Lab;

function argv(user: string, args: readonly string[]): string[] {
  return [...asRoot, 'rsync', `--rsh=${lab.rsyncRsh(user)}`, '--rsync-path=rsync-nfsroot', ...args];
}

/** rsync as root calls it, which alone can read all of a root file system. */
function rsync(args: readonly string[], user = 'bob') {
  const [file = '', ...rest] = argv(user, args);
  const options = { cwd: lab.directory, encoding: 'utf8', timeout: TIMEOUT_MS } as const;
  return spawnSync(file, rest, options);
}

function ok(...args: readonly string[]) {
  const { status, stderr, stdout } = rsync(args);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
}

async function enableNfs(more = ''): Promise<void> {
  await lab.writeConfig(`allowed_clients=127.0.0.1\n${more}`, '.novaboot-nfs');
}

function sourceFile(name: string, bytes: number): string {
  const file = path.join(lab.directory, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, '');
  execFileSync('sh', ['-c', 'head -c "$1" /dev/urandom >"$2"', 'sh', String(bytes), file]);
  return file;
}

/** An upload that goes on for a long time, as soon as it writes. */
async function slowUpload() {
  const file = sourceFile('slow', 20 * MEBIBYTE);
  const [program = '', ...args] = argv('bob', ['--bwlimit=100', file, `${BOARD}root/`]);
  const client = spawn(program, args, { cwd: lab.directory, stdio: 'ignore' });
  const exited = once(client, 'close');
  const { holders } = await eventually('an upload', async () => {
    const written = await lab.sh('ls -A nfsroot/bob/root 2>/dev/null || true');
    return written.includes('.slow.') && (await lab.lockHolders());
  });
  return { client, exited, pid: holders[0] ?? 0 };
}

async function start(options: Parameters<typeof startLab>[0] = {}): Promise<void> {
  lab = await startLab({ config: CONSOLE, ...options });
  await enableNfs();
}

async function clean(): Promise<void> {
  await lab.clean();
  await lab.root(`cd ${lab.home}; rm -rf nfsroot .cache .local; cd ..; rm -rf copy slow up`);
  await enableNfs();
}

describe.each(WORLDS)('%s', (_, works) => {
  beforeAll(() => start(works ? {} : { setup: NO_NAMESPACES }));
  afterEach(clean);
  afterAll(() => lab?.stop());

  test('a tree goes up and comes back, part by part, and NFS shows the same owners', async () => {
    const original = path.join(lab.directory, 'original');
    makeEveryKind(original, lab.uid);
    const before = listEveryKind(original);
    ok(...WHOLE, '--delete', 'original/', `${BOARD}root/`);
    expect(ok(...WHOLE, '--delete', '-i', 'original/', `${BOARD}root/`)).toBe('');
    expect(compareTrees(before, listEveryKind(original))).toEqual({});
    ok(...WHOLE, `${BOARD}root/`, 'copy/');
    expect(compareTrees(before, listEveryKind(path.join(lab.directory, 'copy')))).toEqual({});

    // Back into another place, from what came down.
    ok(...WHOLE, 'copy/', `${BOARD}other/`);
    fs.rmSync(path.join(lab.directory, 'copy'), { recursive: true });
    ok(...WHOLE, `${BOARD}other/`, 'copy/');
    expect(compareTrees(before, listEveryKind(path.join(lab.directory, 'copy')))).toEqual({});

    const { stdout } = await lab.ssh('bob', ['get-config']);
    const nfs = await connectTcp(Number(/port=(\d+)/.exec(stdout)?.[1]));
    const mounted = await nfs.call(mnt3, Buffer.from(`${lab.home}/nfsroot/bob/root`));
    const root = 'ok' in mounted ? mounted.ok.fhandle : Buffer.alloc(0);
    let seen = 0;
    for (const [name, entry] of Object.entries(before)) {
      let object = root;
      for (const part of Buffer.from(name, 'latin1').toString('latin1').split('/').filter(Boolean)) {
        const what = { dir: object, name: Buffer.from(part, 'latin1') };
        ({ object } = await nfs.ok(lookup, { what }));
      }
      const { obj_attributes: file } = await nfs.ok(getattr, { object });
      const { mode, owner } = entry;
      expect([name, file.mode.toString(8), `${file.uid}:${file.gid}`]).toEqual([
        name,
        (Number.parseInt(mode, 8) & 0o7777).toString(8),
        owner,
      ]);
      if (file.type === FileType.symlink) {
        const { data } = await nfs.ok(readlink, { symlink: object });
        expect(data.toString('latin1')).toBe(entry.target);
      }
      if (entry.device !== undefined) expect(`${file.major},${file.minor}`).toBe(entry.device);
      seen += 1;
    }
    nfs.close();
    expect(seen).toBeGreaterThan(150);
  }, 120_000);

  test('an update sends what changed, --delete removes what is gone', async () => {
    sourceFile('up/big', 3 * MEBIBYTE);
    sourceFile('up/gone/file', 10);
    ok(...WHOLE, 'up/', `${BOARD}root/`);
    fs.appendFileSync(path.join(lab.directory, 'up/big'), 'more');
    fs.rmSync(path.join(lab.directory, 'up/gone'), { recursive: true });
    const stats = ok(...WHOLE, '--stats', '--delete', 'up/', `${BOARD}root/`);
    const sent = /Total bytes sent: ([\d,]+)/.exec(stats)?.[1]?.replaceAll(',', '');
    expect(Number(sent)).toBeLessThan(100_000);
    expect(await lab.sh('cd nfsroot/bob/root && find . | sort')).toBe('.\n./big\n');
  });
});

describe('one upload', () => {
  beforeAll(() => start());
  afterEach(clean);
  afterAll(() => lab?.stop());

  test('leaves rsync and its own child alone for the account, and others know of it', async () => {
    const { client, exited, pid } = await slowUpload();
    const processes = lab.processes();
    expect(processes.map(({ command }) => command)).toEqual(
      processes.map(() => expect.stringMatching(/^\/usr\/bin\/rsync --server /)),
    );
    expect(processes.length).toBeLessThanOrEqual(2);
    for (const process of processes) {
      expect(await lab.root(`readlink /proc/${process.pid}/exe`)).toBe('/usr/bin/rsync\n');
      expect([process.pid, process.parent]).toContain(pid);
    }
    expect((await lab.lockHolders()).holders).toEqual([pid]);
    expect((await lab.ssh('carol', ['status'])).stdout).toContain('held by bob');
    const { stdout, stderr, exitCode } = await lab.ssh('carol', ['--no-wait', 'reset']);
    expect({ stderr, exitCode }).toEqual({ stderr: expect.stringContaining('occupied'), exitCode: 75 });
    expect(stdout).toMatch(new RegExp(`^${pid} +bob +`, 'm'));
    expect((await lab.ssh('carol', ['history'])).stdout).toMatch(/ now +bob +\S+ +rsync-nfsroot\n$/);
    client.kill('SIGKILL');
    await exited;
    await eventually('an end', () => lab.processes().length === 0);
    const [last] = JSON.parse((await lab.ssh('carol', ['history', '--json'])).stdout).sessions.slice(-1);
    expect(last).toMatchObject({ user: 'bob', command: 'rsync-nfsroot', end: null, running: false });
  });

  test.each(['TERM', 'HUP', 'KILL', 'INT'])(
    'that is killed by %s frees the board at once',
    async (signal) => {
      const { exited, pid } = await slowUpload();
      await lab.signal(pid, signal);
      await eventually('a free lock', async () => (await lab.lockHolders()).holders.length === 0);
      expect(await lab.ssh('carol', ['--no-wait', 'reset'])).toMatchObject({
        stdout: 'RESET\n',
        exitCode: 0,
      });
      await eventually('an end', () => lab.processes().length === 0);
      const [status] = await exited;
      expect(status).not.toBe(0);
      // No half file under its name.
      expect(await lab.sh('ls -A nfsroot/bob/root')).toBe('');
    },
  );

  test('whose client is killed frees the board', async () => {
    const { client, exited } = await slowUpload();
    client.kill('SIGKILL');
    await exited;
    await eventually('a free lock', async () => (await lab.lockHolders()).holders.length === 0);
    await eventually('an end', () => lab.processes().length === 0);
  });

  test('waits for its turn, and keeps others out of the roots meanwhile', async () => {
    const console = lab.spawnSsh('alice', ['console'], { tty: true });
    await console.waitForOutput(/UP/);
    const words = ['--no-wait', 'rsync-nfsroot', '--server', '-vlogDtpre.iLsfxCIvu', '.', '.'];
    const refused = await lab.ssh('bob', words);
    expect(refused).toMatchObject({ stdout: '', exitCode: 75 });
    expect(refused.stderr).toMatch(/^Target is occupied by:\n/);
    console.kill('SIGTERM');
    const { client, exited } = await slowUpload();
    const flock = ['flock', '--nonblock', 'nfsroot/bob', 'true'];
    expect((await lab.runAs(flock)).exitCode).toBe(1);
    expect((await lab.runAs([...flock.slice(0, 2), '--shared', ...flock.slice(2)])).exitCode).toBe(0);
    client.kill('SIGKILL');
    await exited;
  });

  test('over the connection of the console leaves the board to the console', async () => {
    const controlPath = `${lab.directory}/ctl`;
    const console = lab.spawnSsh('bob', ['console'], { tty: true, master: true, controlPath });
    await console.waitForOutput(/UP/);
    sourceFile('up/file', 10);
    const [file = '', ...rest] = argv('bob', ['-a', 'up/', `${BOARD}root/`]);
    const shared = rest.map((word) =>
      word.replace(lab.rsyncRsh('bob'), lab.rsyncRsh('bob', { controlPath })),
    );
    expect(spawnSync(file, shared, { cwd: lab.directory, encoding: 'utf8' })).toMatchObject({ status: 0 });
    expect(await lab.exists('nfsroot/bob/root/file')).toBe(true);
    expect((await lab.lockHolders()).holders).toHaveLength(1);
  });

  test('is refused to a key without a name, and where NFS is off', async () => {
    const words = ['rsync-nfsroot', '--server', '-vlogDtpre.iLsfxCIvu', '.', '.'];
    expect((await lab.ssh('guest', words)).exitCode).toBe(77);
    await lab.sh('rm .novaboot-nfs');
    expect((await lab.ssh('bob', words)).exitCode).toBe(69);
    expect(await lab.exists('nfsroot')).toBe(false);
  });
});

describe('a quota', () => {
  beforeAll(() => start());
  afterEach(clean);
  afterAll(() => lab?.stop());

  const used = async () =>
    Number((await lab.sh('du -s -B1 --exclude=.replaced nfsroot/bob | cut -f1')).trim());

  /** What is written down: right, or known to be wrong. */
  async function recorded() {
    const record = JSON.parse(await lab.read('.cache/unfsd/bob.usage'));
    const trees: { bytes: number }[] = [record.uploads, ...Object.values(record.roots)];
    return { dirty: record.dirty, bytes: trees.reduce((sum, { bytes }) => sum + bytes, 0) };
  }

  test('that is far away changes nothing', async () => {
    await enableNfs('quota=50M\nmax_files=1000\n');
    sourceFile('up/file', 3 * MEBIBYTE);
    ok(...WHOLE, 'up/', `${BOARD}root/`);
    await eventually('an end', () => lab.processes().length === 0);
    expect(await recorded()).toEqual({ dirty: 0, bytes: await used() });
  });

  test('is kept count of by the NFS server, if it runs', async () => {
    await enableNfs('quota=50M\n');
    expect((await lab.ssh('bob', ['get-config'])).exitCode).toBe(0);
    sourceFile('up/file', 3 * MEBIBYTE);
    ok(...WHOLE, 'up/', `${BOARD}root/`);
    const expected = { dirty: 0, bytes: await used() };
    await eventually('the right figures', async () => {
      const found = await recorded();
      return found.dirty === expected.dirty && found.bytes === expected.bytes;
    });
    sourceFile('up/large', 200 * MEBIBYTE);
    expect(rsync([...WHOLE, '--bwlimit=30000', 'up/', `${BOARD}root/`]).stderr).toContain('quota is used up');
  });

  test('stops an upload soon after it is used up, with what is whole left there', async () => {
    await enableNfs('quota=20M\n');
    sourceFile('up/one', 8 * MEBIBYTE);
    sourceFile('up/two', 80 * MEBIBYTE);
    const stopped = rsync([...WHOLE, '--bwlimit=10000', 'up/', `${BOARD}root/`]);
    expect(stopped.status).not.toBe(0);
    expect(stopped.stderr).toMatch(/^novaboot-shell: [^\n]*quota is used up[^\n]*\n/m);
    await eventually('an end', () => lab.processes().length === 0);
    expect(await lab.sh('ls -A nfsroot/bob/root')).toBe('one\n');
    expect(await recorded()).toEqual({ dirty: 0, bytes: await used() });

    // There is room again for what is smaller.
    ok(...WHOLE, 'up/one', `${BOARD}again`);
  });

  test('that is used up refuses uploads, not downloads', async () => {
    sourceFile('up/one', 8 * MEBIBYTE);
    ok(...WHOLE, 'up/', `${BOARD}root/`);
    await enableNfs('quota=4M\n');
    const { status, stderr } = rsync([...WHOLE, 'up/', `${BOARD}root/`]);
    expect(status).not.toBe(0);
    expect(stderr).toMatch(/^novaboot-shell: Your quota is used up/);
    ok(...WHOLE, `${BOARD}root/`, 'copy/');
    ok(...WHOLE, '-n', 'up/', `${BOARD}root/`);
  });

  test('holds for what a client calls a replaced root', async () => {
    await enableNfs('quota=10M\n');
    sourceFile('up/.replaced/7/big', 60 * MEBIBYTE);
    const { status, stderr } = rsync([...WHOLE, '--bwlimit=10000', 'up/', BOARD]);
    expect(status).not.toBe(0);
    expect(stderr).toContain('quota is used up');
  });

  test('of files holds as well', async () => {
    await enableNfs('max_files=100\n');
    await lab.root(`cd ${lab.directory}; mkdir -p up; cd up; for n in $(seq 40000); do : >$n; done`);
    const { status, stderr } = rsync([...WHOLE, 'up/', `${BOARD}root/`]);
    expect(status).not.toBe(0);
    expect(stderr).toContain('quota is used up');
    await eventually('an end', () => lab.processes().length === 0);
    expect(Number(await lab.sh('ls nfsroot/bob/root | wc -l'))).toBeLessThan(40_000);
    expect((await recorded()).dirty).toBe(0);
  });

  test('has a small watcher, which neither a terminal nor the board is held up by', async () => {
    await enableNfs('quota=100M\n');
    const { client, exited, pid } = await slowUpload();
    const watcher = await eventually('a watcher', () =>
      lab.processes().find(({ command }) => command.includes('novaboot-root.js watch-upload')),
    );
    expect(watcher.parent).toBe(pid);
    const status = fs.readFileSync(`/proc/${watcher.pid}/status`, 'utf8');
    // Most of it is shared with every other Node process.
    expect(Number(/RssAnon:\s+(\d+) kB/.exec(status)?.[1])).toBeLessThan(24 * 1024);
    // ls(1) fails when one is closed meanwhile.
    const open = await lab.root(`ls -l /proc/${watcher.pid}/fd 2>/dev/null || true`);
    expect(open).toContain('pipe:');
    expect(open).not.toContain(`${lab.home}\n`);
    await lab.signal(pid, 'KILL');
    await eventually('a free lock', async () => (await lab.lockHolders()).holders.length === 0);
    await eventually('an end', () => lab.processes().length === 0);
    expect((await recorded()).dirty).toBe(0);
    client.kill('SIGKILL');
    await exited;
  });
});
