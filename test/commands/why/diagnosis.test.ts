/** What `why` makes of what servers and the shell have noted, together with what the console shows. */
import { expect, test } from 'vitest';
import { at, consoleOf, findingOf, RESET, ROOT, recorded } from './consoles.ts';
import { BANNER, type Case, check, initRead, LINUX, mount, power, refused, tftp, UNSEEN } from './events.ts';

const CASES: Readonly<Record<string, Case>> = {
  'nothing is known': { events: [], verdict: 'unknown', says: 'Nothing is known' },
  'it was just switched on': {
    events: [RESET],
    more: { now: at(3) },
    verdict: 'booting',
    says: 'the last sign of it came 3 s ago',
  },
  'it says and asks nothing': {
    events: [RESET],
    verdict: 'dead',
    says: 'the TFTP server has heard nothing from it',
  },
  'nobody watched': {
    events: [RESET],
    more: { consoleLog: 'unwatched' },
    verdict: 'unseen',
    says: 'nobody was connected to the console',
  },
  'nothing is recorded': {
    events: [RESET],
    more: UNSEEN,
    verdict: 'unseen',
    says: 'consoles are not recorded',
  },
  'the power command failed': {
    events: [power(0, 'reset', { status: 3 })],
    verdict: 'power-failed',
    says: 'reset failed with status 3',
  },
  'it was switched off': {
    events: [RESET, power(60, 'off', { user: 'bob' })],
    verdict: 'off',
    says: 'switched off by bob 1 min ago',
  },
  'it lives although it was switched off': {
    events: [RESET, power(10, 'off'), ...consoleOf(BANNER, at(60)), ...consoleOf('board login: ', at(70))],
    verdict: 'up',
    says: 'up',
  },
  'a file is missing, and the console is not recorded': {
    events: [RESET, tftp(2, 'Image'), tftp(4, 'board.dtb', refused)],
    more: UNSEEN,
    verdict: 'missing-file',
    says: '"board.dtb"',
  },
  'a file that need not be there is missing': {
    events: [
      RESET,
      tftp(2, 'boot.scr.uimg', refused),
      ...consoleOf(LINUX),
      ...consoleOf('board login: ', at(9)),
    ],
    verdict: 'up',
    says: 'The board is up',
  },
  'a transfer broke off': {
    events: [RESET, tftp(2, 'Image', { outcome: 'failed', result: 'the client is silent' })],
    more: UNSEEN,
    verdict: 'transfer-failed',
    says: '"Image" broke off after 1.0 MB: the client is silent',
  },
  'the address of the board is another one': {
    events: [RESET, tftp(2, 'Image', { ...refused, stranger: true })],
    more: UNSEEN,
    verdict: 'unknown-address',
    says: '192.0.2.1:1024 asked for "Image"',
  },
  'a stranger asks, too': {
    events: [RESET, tftp(2, 'Image'), tftp(4, 'Image', { ...refused, stranger: true })],
    more: UNSEEN,
    verdict: 'loaded',
    says: 'has loaded "Image"',
  },
  'it waits at its prompt': {
    events: [RESET, ...consoleOf(`${BANNER}=> `)],
    verdict: 'prompt',
    says: 'waits at its prompt (=>) for commands',
  },
  'it was given what to load, but not to start it': {
    events: [RESET, ...consoleOf(`${BANNER}=> tftpboot Image\nBytes transferred = 1000000 (f4240 hex)\n=> `)],
    verdict: 'not-started',
    says: 'but has not started it',
  },
  'its TFTP server is another one': {
    events: [RESET, ...consoleOf(`${BANNER}Filename 'Image'.\nLoading: *\bT T T T `)],
    verdict: 'no-answer',
    says: 'This TFTP server has heard nothing from the board.',
  },
  'it has no link': {
    events: [
      RESET,
      ...consoleOf(`${BANNER}ethernet@1 Waiting for PHY auto negotiation to complete. TIMEOUT !\n=> `),
    ],
    verdict: 'no-link',
    says: 'no network link',
  },
  'no DHCP server answers': {
    events: [RESET, ...consoleOf(`${BANNER}BOOTP broadcast 1\nRetry time exceeded; starting again\n=> `)],
    verdict: 'no-dhcp',
    says: 'No DHCP server answers',
  },
  'the root is another one': {
    events: [RESET, mount(5, { path: '/srv/root', status: 'MNT3ERR_NOENT', init: undefined })],
    more: UNSEEN,
    verdict: 'wrong-nfsroot',
    says: `wants to mount "/srv/root", but the root of alice is "${ROOT}"`,
  },
  'another user has the board': {
    events: [RESET, mount(5, { status: 'put-off', init: undefined })],
    more: { holder: 'bob' },
    verdict: 'put-off',
    says: 'asked for the root of alice while bob has the board',
  },
  'another user has got the board': {
    events: [
      RESET,
      ...consoleOf(LINUX),
      mount(5),
      initRead(6),
      ...consoleOf('board login: \n[   99.0] nfs: server 192.0.2.2 not responding, still trying\n', at(99)),
    ],
    more: { holder: 'bob' },
    verdict: 'put-off',
    says: 'while bob has the board',
  },
  'its NFS server is stopped': {
    events: [
      RESET,
      ...consoleOf(LINUX),
      mount(5),
      ...consoleOf('[   99.0] nfs: server 192.0.2.2 not responding, still trying\n', at(99)),
    ],
    more: { servers: [{ user: 'alice', exported: ROOT, port: undefined }] },
    verdict: 'nfs-silent',
    says: 'The NFS server of alice is stopped',
  },
  'its address is not allowed': {
    events: [
      RESET,
      { event: 'refused', time: at(5), user: 'alice', client: '192.0.2.9', reason: 'not an allowed client' },
    ],
    verdict: 'not-allowed',
    says: 'refuses the address 192.0.2.9: not an allowed client',
  },
  'somebody else knocks at the server': {
    events: [
      RESET,
      mount(5),
      initRead(6),
      { event: 'refused', time: at(7), user: 'alice', client: '192.0.2.9', reason: 'not an allowed client' },
    ],
    more: UNSEEN,
    verdict: 'running',
    says: 'runs on the root of alice',
  },
  'it speaks another version': {
    events: [
      RESET,
      { event: 'version', time: at(5), user: 'alice', client: '192.0.2.1', program: 'nfs', asked: 2 },
      ...consoleOf(`${LINUX}[    9.0] VFS: Unable to mount root fs via NFS.\n`, at(1)),
    ],
    verdict: 'wrong-nfs-version',
    says: 'speaks version 2 of nfs',
  },
  'it has an old port': {
    events: [
      RESET,
      ...consoleOf(`${LINUX}[    0.0] Kernel command line: nfsroot=1.2.3.4:${ROOT},v3,tcp,port=700,mountport=700
[   99.0] VFS: Unable to mount root fs via NFS.
[   99.0] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,255)\n`),
    ],
    verdict: 'no-mount',
    says: 'told port 700, but the NFS server of alice is on port 28885',
  },
  'its disk is not there': {
    events: [
      RESET,
      ...consoleOf(`${LINUX}[    0.0] Kernel command line: root=/dev/mmcblk0p2
[    9.0] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(179,2)\n`),
    ],
    verdict: 'no-root-device',
    says: 'root=/dev/mmcblk0p2',
  },
  'there is no init': {
    events: [RESET, mount(5, { init: null })],
    more: UNSEEN,
    verdict: 'missing-init',
    says: 'no /sbin/init in the root of alice',
  },
  'init cannot be run': {
    events: [
      RESET,
      ...consoleOf(`${LINUX}[    3.0] Starting init: /sbin/init exists but couldn't execute it (error -13)
[    3.0] Kernel panic - not syncing: No working init found.  Try passing init= option to kernel.\n`),
    ],
    verdict: 'bad-init',
    says: 'it is not executable',
  },
  'init ends': {
    events: [
      RESET,
      ...consoleOf(
        `${LINUX}[    3.0] Kernel panic - not syncing: Attempted to kill init! exitcode=0x00007f00\n`,
      ),
    ],
    verdict: 'init-ended',
    says: 'ended with status 127: a program or library is missing',
  },
  'init is killed': {
    events: [
      RESET,
      ...consoleOf(
        `${LINUX}[    3.0] Kernel panic - not syncing: Attempted to kill init! exitcode=0x0000000b\n`,
      ),
    ],
    verdict: 'init-ended',
    says: 'was killed by signal 11',
  },
  'the kernel is silent, but lives': {
    events: [
      RESET,
      ...consoleOf(`${BANNER}=> setenv bootargs quiet console=tty0\n=> booti 1 2 3\nStarting kernel ...\n`),
      mount(5),
      initRead(6),
    ],
    verdict: 'mute',
    says: 'prints nothing on the console. Its command line: quiet console=tty0',
  },
  'init runs, and nobody watches': {
    events: [RESET, tftp(1, 'Image'), mount(5), initRead(6)],
    more: UNSEEN,
    verdict: 'running',
    says: 'Only its console would tell more',
  },
  'no login prompt comes': {
    events: [RESET, ...consoleOf(LINUX), mount(5), initRead(6), ...consoleOf('Starting things\n', at(7))],
    verdict: 'no-login',
    says: 'no login prompt has come. The last line on its console: Starting things',
  },
  'systemd gives up': {
    events: [
      RESET,
      ...consoleOf(`${LINUX}[FAILED] Failed to mount data.mount - /data.
You are in emergency mode. After logging in, type "journalctl -xb"
Press Enter for maintenance\n`),
    ],
    verdict: 'emergency',
    says: 'The first failure: Failed to mount data.mount - /data.',
  },
  'an initramfs opens a shell': {
    events: [
      RESET,
      ...consoleOf(`${LINUX}ALERT!  /dev/sda2 does not exist.  Dropping to a shell!\n(initramfs) `),
    ],
    verdict: 'no-mount',
    says: '(initramfs)',
  },
  'a user makes errors on a board that is up': {
    events: [
      RESET,
      ...consoleOf(`${LINUX}board login: \nroot@board:~# mount 1.2.3.4:/x /mnt
mount.nfs: Connection refused\nerror: no such thing\nroot@board:~# `),
    ],
    verdict: 'up',
    says: 'The board is up',
  },
  'it panics when it is up': {
    events: [
      RESET,
      ...consoleOf(`${LINUX}board login: \n[   99.0] Kernel panic - not syncing: Fatal exception\n`),
    ],
    verdict: 'panic',
    says: 'Fatal exception',
  },
  'it is up, and is switched on once more': {
    events: [RESET, ...consoleOf(`${LINUX}board login: `), power(60, 'on')],
    verdict: 'up',
    says: 'The board is up',
  },
  'it was switched on at last': {
    events: [power(0, 'on', { status: 1 }), power(20, 'on')],
    more: { now: at(25) },
    verdict: 'booting',
    says: 'the last sign of it came 5 s ago',
  },
  'the console was left when the kernel started': {
    events: [RESET, ...consoleOf(LINUX)],
    more: { watchedUntil: at(3) },
    verdict: 'unwatched',
    says: 'nobody was connected to the console. The last line on its console: Linux version',
  },
  'the console was left before anything was said': {
    events: [RESET],
    more: { watchedUntil: at(1) },
    verdict: 'unwatched',
    says: 'How it went on is not known',
  },
  'it mounts more than its root': {
    events: [RESET, mount(5), initRead(6), mount(9, { path: `${ROOT}/data`, init: null })],
    more: UNSEEN,
    verdict: 'running',
    says: 'has read /sbin/init',
  },
  'another machine mounts the root': {
    events: [RESET, tftp(2, 'Image'), mount(30, { client: '192.0.2.99', init: null })],
    more: UNSEEN,
    verdict: 'loaded',
    says: 'has loaded "Image"',
  },
  'somebody knocks while it waits at its prompt': {
    events: [
      RESET,
      ...consoleOf(`${BANNER}=> `),
      { event: 'refused', time: at(30), user: 'alice', client: '192.0.2.9', reason: 'not an allowed client' },
    ],
    verdict: 'prompt',
    says: 'waits at its prompt',
  },
  'a program has its last words after it was switched off': {
    events: [RESET, power(10, 'off'), ...consoleOf('Thanks for using the console\n', at(60))],
    verdict: 'off',
    says: 'switched off by alice',
  },
  'a stranger asks for it after it was switched off': {
    events: [RESET, power(10, 'off'), tftp(60, 'Image', { ...refused, stranger: true })],
    verdict: 'off',
    says: 'switched off by alice',
  },
  'it asks for one file after the other': {
    events: [RESET, tftp(2, 'start4.elf'), tftp(4, 'recovery.elf', refused)],
    more: { ...UNSEEN, now: at(6) },
    verdict: 'booting',
    says: 'booting',
  },
  'the last file that it asked for may be optional': {
    events: [RESET, tftp(2, 'kernel8.img'), tftp(4, 'armstub8-gic.bin', refused)],
    more: UNSEEN,
    verdict: 'missing-file',
    says: 'It may not need it: it has loaded "kernel8.img".',
  },
  'it was on before anybody looked': {
    events: [{ event: 'session', time: at(0), user: 'bob' }, ...consoleOf('board login: ')],
    verdict: 'up',
    says: 'The board is up: it asked for a login.',
  },
  'a board without a talking boot loader restarts, and hangs': {
    events: [
      RESET,
      ...consoleOf(`${LINUX}board login: \n[   99.0] reboot: Restarting system\n`),
      ...consoleOf(
        '[    0.0] Linux version 6.1.0\n[    9.0] VFS: Unable to mount root fs via NFS.\n',
        at(99),
      ),
    ],
    verdict: 'no-mount',
    says: 'No NFS server of this board has heard from it',
  },
  'a clock was set back': {
    events: [{ ...RESET, time: at(9999) }],
    more: { now: at(0) },
    verdict: 'dead',
    says: 'shows nothing',
  },
  'it has shut itself down': {
    events: [RESET, ...consoleOf(`${LINUX}board login: \n[   99.0] reboot: Power down\n`)],
    verdict: 'halted',
    says: 'has shut itself down',
  },
};

test.each(Object.entries(CASES))('%s', (_name, each) => check(each));

test('a board that restarts over and over tells why it did before', () => {
  const panics = recorded('wrong-init').toString('latin1');
  const finding = findingOf([RESET, ...consoleOf(`${panics}\n${panics}\n${BANNER}`)]);
  expect(finding.verdict).toBe('restarts');
  expect(finding.why).toMatch(
    /^The board restarts by itself; this is start 3\. init is there, but cannot be run/,
  );
});

test('where nothing can be read of the TFTP server, nothing is said of it', () => {
  const boots = [RESET, ...consoleOf(`${BANNER}Filename 'Image'.\nLoading: *\bT T T T `)];
  expect(findingOf(boots, { tftpJournal: false }).why).not.toContain('This TFTP server');
  expect(findingOf([RESET], { tftpJournal: false }).why).not.toContain('TFTP server');
});

test('names of files that could be meant come first, and not all of them', () => {
  const files = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'Image-6.1'];
  const { advice } = findingOf([RESET, tftp(2, 'image', refused)], { files });
  expect(advice).toContain('Or load what is there: Image-6.1, a, b, c, d, e, f, g, ...');
});

test.each([
  ['Image', 'Upload it: rsync Image BOARD:'],
  ['dtbs/board.dtb', 'Upload it: rsync -R dtbs/board.dtb BOARD:'],
  ['x;reboot', 'Upload it: rsync FILE BOARD:'],
  ['$(reboot)', 'Upload it: rsync FILE BOARD:'],
  ['-e sh', 'Upload it: rsync FILE BOARD:'],
  ['host:x/y', 'Upload it: rsync FILE BOARD:'],
  ['a@b', 'Upload it: rsync FILE BOARD:'],
])('how to upload %s can be copied into a shell', (file, advice) => {
  expect(findingOf([RESET, tftp(2, file, refused)]).advice).toContain(advice);
});
