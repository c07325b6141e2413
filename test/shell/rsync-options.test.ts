import { describe, expect, test } from 'vitest';
import { CommandError } from '../../src/shell/errors.ts';
import {
  NFSROOT_PROFILE,
  parseRsync,
  type RsyncProfile,
  TFTP_PROFILE,
} from '../../src/shell/rsync-options.ts';

const PROFILES = [
  ['TFTP', TFTP_PROFILE],
  ['NFS roots', NFSROOT_PROFILE],
] as const;

function parse(line: string, profile: RsyncProfile = TFTP_PROFILE) {
  return parseRsync(
    line.split(' ').filter((word) => word !== ''),
    profile,
  );
}

function refusal(words: readonly string[], profile: RsyncProfile = TFTP_PROFILE): CommandError {
  try {
    parseRsync(words, profile);
  } catch (error) {
    if (error instanceof CommandError) return error;
    throw error;
  }
  throw new Error(`accepted: ${words.join(' ')}`);
}

// Recorded from rsync 3.5.0 and the client options behind each line by a script given as --rsh.
const SENT = [
  ['-RL --chmod=ugo=rwX', '--server -Re.LsfxCIvu . .'],
  ['-a', '--server -logDtpre.iLsfxCIvu . sub/'],
  ['-a B:./', '--server -logDtpre.iLsfxCIvu . ./'],
  ['-a B:-x', '--server -logDtpre.iLsfxCIvu . ./-x'],
  ['-av --progress', '--server -vlogDtpre.iLsfxCIvu . sub/'],
  ['-P', '--server -e.LsfxCIvu --log-format=X --partial . sub/'],
  ['no options, --protocol=29', '--server . sub'],
  ['-a --protocol=29', '--server -logDtpr . sub/'],
  ['-az', '--server -logDtprze.iLsfxCIvu . sub/'],
  ['-az, pre-release', '--server -logDtprze32.1iLsfxCIvu . sub/'],
  ['--delete', '--server -logDtpre.iLsfxCIvu --delete . sub/'],
  ['--delete-before', '--server -logDtpre.iLsfxCIvu --delete-before . sub/'],
  ['--del --force', '--server -logDtpre.iLsfxCIvu --delete-during --force . sub/'],
  ['--delete-delay', '--server -logDtpre.iLsfxCIvu --delete-delay . sub/'],
  ['--delete-after', '--server -logDtpre.iLsfxCIvu --delete-after . sub/'],
  ['--delete-excluded', '--server -logDtpre.iLsfxCIvu --delete-excluded . sub/'],
  ['--max-delete', '--server -logDtpre.iLsfxCIvu --max-delete=-1 --delete --ignore-errors . sub/'],
  ['-d --delete', '--server -de.LsfxCIvu --no-r --delete . sub/'],
  ['-an', '--server -nlogDtpre.iLsfxCIvu . sub/'],
  ['--inplace', '--server -logDtpre.iLsfxCIvu --inplace . sub/'],
  ['--inplace -S', '--server -logDtprSe.iLsfxCIvu --inplace --no-W . sub/'],
  ['-acuWI', '--server -ulWogDtprcIe.iLsfxCIvu . sub/'],
  ['--bwlimit', '--server -e.LsfxCIvu --bwlimit=100 . sub/'],
  ['--timeout --stats', '--server -e.LsfxCIvu --timeout=30 --stats . sub/'],
  ['-i', '--server -e.LsfxCIvu --log-format=%i . sub/'],
  ['-ii', '--server -e.LsfxCIvu --log-format=%i%I . sub/'],
  ['--max-size --min-size', '--server -e.LsfxCIvu --min-size=1024 --max-size=1048576 . sub/'],
  ['--max-size, older', '--server -re.Lsf --max-size=1.5m . sub/'],
  ['--numeric-ids', '--server -e.LsfxCIvu --numeric-ids . sub/'],
  ['--info', '--server -logDtpre.iLsfxCIvu --log-format=X --info=ALL2 . sub/'],
  ['--info', '--server -logDtpre.iLsfxCIvu --info=FLIST2,NAME0 . sub/'],
  ['-aOJ', '--server -lOJogDtpre.iLsfxCIvu . sub/'],
  ['-ab --suffix', '--server -blogDtpre.iLsfxCIvu --suffix=.o . sub/'],
  ['--delay-updates -yy', '--server -lyyogDtpre.iLsfxCIvu --delay-updates . sub/'],
  ['--append-verify', '--server -logDtpre.iLsfxCIvu --append --append . sub/'],
  ['--existing', '--server -logDtpre.iLsfxCIvu --ignore-existing --existing --size-only . sub/'],
  ['--modify-window', '--server -logDtpre.iLsfxCIvu --modify-window=2 . sub/'],
  ['-@-1', '--server -logDtpre.iLsfxCIvu -@-1 . sub/'],
  ['--compress-choice', '--server -re.Lsf --compress-level=3 --compress-choice=zstd . sub/'],
  ['--checksum-choice', '--server -re.Lsf --checksum-choice=xxh64,none --checksum-seed=5 . sub/'],
  ['--block-size', '--server -logDtpre.iLsfxCIvu -B512 . sub/'],
  ['--fsync --preallocate', '--server -logDtpre.iLsfxCIvu --fsync --preallocate . sub/'],
  ['--mkpath', '--server -logDtpre.iLsfxCIvu --mkpath . a/b/c'],
  ['--devices', '--server -Dre.iLsfxCIvu --no-specials . sub/'],
  ['--specials', '--server -re.iLsfxCIvu --specials . sub/'],
  ['--iconv', '--server -logDtpre.iLsfxCIvu --iconv=latin1 . sub/'],
  ['--stderr=all', '--server -logDtpre.iLsfxCIvu --msgs2stderr . sub/'],
  ['download', '--server --sender -logDtpre.iLsfxCIvu . .'],
  ['download of two', '--server --sender -logDtpre.iLsfxCIvu . a/b c'],
  ['list', '--server --sender -de.LsfxCIvu --list-only . .'],
] as const;

// From 3.5.0 and 3.2.7, which send the same.
const SENT_FOR_ROOTS = [
  ['-aHAXS', '--server -lHogDtpAXrSe.iLsfxCIvu --numeric-ids . root/'],
  ['-aHAXS --delete', '--server -lHogDtpAXrSe.iLsfxCIvu --delete --numeric-ids . root/'],
  ['--inplace --partial', '--server -lHogDtpAXrSe.iLsfxCIvu --delete --numeric-ids --inplace . root/'],
  ['-aHAXSx', '--server -lHogDtpAXrxSe.iLsfxCIvu --numeric-ids . root/'],
  ['-aHAXXS', '--server -lHogDtpAXXrSe.iLsfxCIvu --numeric-ids . root/'],
  ['--no-inc-recursive', '--server -lHogDtpAXrSe.LsfxCIvu . root/'],
  ['-M--fake-super', '--server -lHogDtpAXrSe.iLsfxCIvu --fake-super . root/'],
  ['--zc=zstd', '--server -lHogDtpAXrSe.iLsfxCIvu --compress-choice=zstd . root/'],
  ['--usermap', '--server -lHogDtpAXrSe.iLsfxCIvu --usermap=0-99:5,app:1000 . root/'],
  ['download', '--server --sender -lHogDtpAXrSe.iLsfxCIvu --numeric-ids . root/ other'],
] as const;

function expectSame(line: string, profile: RsyncProfile): void {
  const { sender, options, paths } = parse(line, profile);
  const role = sender ? ['--server', '--sender'] : ['--server'];
  expect([...role, ...options, '.', ...paths].join(' ')).toBe(line);
}

describe('what clients send', () => {
  test.each(SENT)('%s: %s', (_, line) => {
    for (const [, profile] of PROFILES) expectSame(line, profile);
  });

  test.each(SENT_FOR_ROOTS)('for a root: %s: %s', (_, line) => expectSame(line, NFSROOT_PROFILE));

  test('a backslash that is for a shell goes', () => {
    const line = String.raw`--server -lHogDtpAXrSe.iLsfxCIvu --usermap=\*:root --groupmap=\*:root . root/`;
    expect(parse(line, NFSROOT_PROFILE).options.slice(1)).toEqual(['--usermap=*:root', '--groupmap=*:root']);
  });

  test('the options are told apart', () => {
    expect([...parse('--server -nve.iLsKL -B512 --mkpath . a').names]).toEqual([
      'n',
      'v',
      'e',
      'B',
      'mkpath',
    ]);
  });
});

const OPTIONS = [
  '--daemon',
  '--config=tftproot/rsyncd.conf',
  '--log-file=../.novaboot-shell',
  '--log-file-format=%i',
  '--dparam=path=/',
  '--no-detach',
  '-K',
  '--keep-dirlinks',
  '-rKe.iL',
  '-L',
  '--copy-links',
  '-k',
  '--copy-dirlinks',
  '--copy-unsafe-links',
  '--no-implied-dirs',
  '--i-d',
  '--insecure-links',
  '--confine-root=/',
  '--munge-links',
  '--no-munge-links',
  '--trust-sender',
  '--files-from=x',
  '--files-from',
  '--from0',
  '--no-relative',
  '--exclude-from=x',
  '--include-from=x',
  '--filter=merge',
  '-fx',
  '-F',
  '-s',
  '-slogDtpr',
  '--secluded-args',
  '--protect-args',
  '--old-args',
  '--temp-dir',
  '--temp-dir=x',
  '-Tx',
  '--partial-dir',
  '--partial-dir=x',
  '--backup-dir=x',
  '--compare-dest=x',
  '--copy-dest=x',
  '--link-dest=x',
  '--write-devices',
  '--copy-devices',
  '-Mx',
  '--remote-option=x',
  '--rsync-path=x',
  '--rsh=x',
  '--sockopts=x',
  '--address=x',
  '--port=1',
  '--password-file=x',
  '--early-input=x',
  '--super',
  '--fake-super',
  '--copy-as=root',
  '--chown=a:b',
  '--usermap=0:1',
  '--groupmap=0:1',
  '--chmod=u+s',
  '--remove-source-files',
  '--remove-sent-files',
  '--read-batch=x',
  '--write-batch=x',
  '--only-write-batch=x',
  '--debug=FILTER',
  '--outbuf=L',
  '--max-alloc=0',
  '--compress-threads=64',
  '--log-format=%f',
  '--out-format=X',
  '--log-format',
  '--timeout',
  '--timeout=1;id',
  '--bwlimit=1k',
  '--suffix=/../x',
  '--iconv=../x',
  '--info=ALL2,../x',
  '--info=help',
  '--delete=x',
  '--server',
  '--sender',
  '--constructor',
  '--__proto__',
  '--',
  '-',
  '--=x',
  '-A',
  '-X',
  '-H',
  '-V',
  '-a',
  '-P',
  '-q=1',
  '-B',
  '-B=5',
  '-B512x',
  '-e',
  '-re',
  '-e.iL/../x',
  '-esh',
  '-e.iLs;id',
  '-é',
  'x',
  '../x',
  '',
];

/** In place of those that a root takes, what is close to them. */
const OPTIONS_FOR_ROOTS = [
  ...OPTIONS.filter((option) => !/^(?:-[AHX]|--fake-super|--(?:user|group)map=0:1)$/.test(option)),
  '--no-super',
  '--fake-super=x',
  '--no-fake-super',
  '--drop-D',
  '--partial-dir=.p',
  '--usermap',
  '--usermap=',
  '--usermap=0',
  '--usermap=0:',
  '--usermap=0:1,',
  '--usermap=../x:1',
  '--usermap=0:1;id',
  '--groupmap=[a-z]*:1',
  String.raw`--groupmap=\[a]:1`,
  String.raw`--groupmap=\\*:1`,
  '--chown=0:0',
  '-N',
  '-AK',
];

describe.each([
  ['TFTP', TFTP_PROFILE, OPTIONS],
  ['NFS roots', NFSROOT_PROFILE, OPTIONS_FOR_ROOTS],
] as const)('refused options: %s', (_, profile, options) => {
  test.each(options)('%s', (option) => {
    const error = refusal(['--server', '-re.iLsfxCIvu', option, '.', '.'], profile);
    expect(error.exitCode).toBe(77);
    expect(error.message).toMatch(/^rsync: [^\n]+$/);
    const name = /^--[^=]*/.exec(option)?.[0] ?? '';
    expect(error.message).toContain(name);
  });

  test('a letter in a cluster is named', () => {
    expect(refusal(['--server', '-vlogDtprKe.iL', '.', '.'], profile).message).toBe(
      'rsync: option -K is not allowed',
    );
  });

  test.each(options.filter((option) => option.startsWith('-')))('%s behind the dot', (option) => {
    expect(refusal(['--server', '-r', '.', option], profile).exitCode).toBe(77);
    expect(refusal(['--server', '-r', '.', '.', option], profile).exitCode).toBe(77);
    expect(refusal(['--server', '--sender', '-r', '.', 'a', option], profile).exitCode).toBe(77);
  });
});

describe('refused forms', () => {
  test.each([
    [''],
    ['a b'],
    ['-a . .'],
    ['--daemon'],
    ['--sender --server . .'],
    ['-r --server . .'],
    ['--server'],
    ['--server -r'],
    ['--server -r .'],
    ['--server -r sub/'],
    ['--server -r . a b'],
    ['--server --sender -r .'],
    ['--server -r --sender . .'],
  ])('%j', (line) => {
    expect(refusal(line.split(' ').filter(Boolean)).exitCode).toBe(77);
  });

  test.each([
    '/',
    '/etc',
    '..',
    '../x',
    'a/..',
    'a/../b',
    'a//../b',
    './..',
    '~',
    '~/x',
    '~root',
    '-x',
    'a*',
    'a?',
    '[a]',
    '{a,b}',
    'a\\',
    'a\\ b',
    '..\\',
    'a\nb',
    'a\0b',
    'a\x7f',
    'a\ufffd',
    '',
    'x'.repeat(5000),
  ])('path %j', (path) => {
    for (const role of [['--server'], ['--server', '--sender']]) {
      const error = refusal([...role, '-r', '.', path]);
      expect(error.exitCode).toBe(77);
      expect(error.message).toMatch(/^rsync: [^\0-\x1f\x7f]{1,400}$/);
    }
  });
});
