/** Troubles that were overcome, boards that start anew, and what is not known here. */
import { expect, test } from 'vitest';
import { at, consoleOf, findingOf, RESET } from './consoles.ts';
import { BANNER, type Case, check, LINUX, mount, refused, tftp, UNSEEN } from './events.ts';

const CASES: Readonly<Record<string, Case>> = {
  'its NFS server has come back': {
    events: [
      RESET,
      ...consoleOf(`${LINUX}board login: 
[   99.0] nfs: server 192.0.2.2 not responding, still trying
[  110.0] nfs: server 192.0.2.2 OK\n`),
    ],
    verdict: 'up',
    says: 'The board is up',
  },
  'DHCP has answered at last': {
    events: [
      RESET,
      ...consoleOf(`${BANNER}BOOTP broadcast 6\nDHCP client bound to address 192.0.2.1 (3000 ms)\n=> `),
    ],
    verdict: 'prompt',
    says: 'waits at its prompt',
  },
  'the link has come up at last': {
    events: [
      RESET,
      ...consoleOf(
        `${BANNER}eth0 Waiting for PHY auto negotiation to complete. TIMEOUT !\nFilename 'Image'.\nUnknown\n=> `,
      ),
    ],
    verdict: 'prompt',
    says: 'waits at its prompt',
  },
  'the kernel has mounted its root at last': {
    events: [
      RESET,
      ...consoleOf(`${LINUX}[    9.0] Sending DHCP requests ...... timed out!
[   19.0] IP-Config: Complete:
[   29.0] nfsmount: need a path
[   39.0] VFS: Mounted root (nfs filesystem) on device 0:15.\n`),
    ],
    verdict: 'silent',
    says: 'says nothing any more',
  },
  'the system has come up after an emergency': {
    events: [
      RESET,
      ...consoleOf(`${LINUX}You are in emergency mode\nGive root password for maintenance\nboard login: `),
    ],
    verdict: 'up',
    says: 'The board is up',
  },
  'it tries once more after a failure': {
    events: [
      RESET,
      ...consoleOf(
        `${BANNER}Filename 'a'.\nTFTP error: 'File not found' (1)\n=> tftpboot b\nFilename 'b'.\n`,
      ),
    ],
    more: { now: at(5) },
    verdict: 'booting',
    says: 'the last sign of it came',
  },
  'it loads a large file': {
    events: [RESET, ...consoleOf(`${BANNER}Filename 'rootfs.cpio'.\nLoading: *\b####`)],
    more: { now: at(90), heardUntil: at(88) },
    verdict: 'booting',
    says: 'The board is loading "rootfs.cpio".',
  },
  'a transfer has stopped': {
    events: [RESET, ...consoleOf(`${BANNER}Filename 'rootfs.cpio'.\nLoading: *\b####\n\t ###`)],
    verdict: 'loading-stopped',
    says: 'goes on no more',
  },
  'a file is asked for after another one was answered': {
    events: [RESET, tftp(0.5, 'boot.scr', refused), ...consoleOf(`${BANNER}Filename 'Image'.\n`)],
    verdict: 'no-answer',
    says: '("Image")',
  },
  'it has no network device, and needs none': {
    events: [
      RESET,
      ...consoleOf(`${BANNER}Net:   No ethernet found.\nHit any key to stop autoboot:  0\n=> `),
    ],
    verdict: 'prompt',
    says: 'waits at its prompt',
  },
  'it has no network device, but is to load from the network': {
    events: [RESET, ...consoleOf(`${BANNER}Net:   No ethernet found.\n=> dhcp\nNo ethernet found.\n=> `)],
    verdict: 'no-network',
    says: 'has no network device',
  },
  'it has loaded from a card, and waits': {
    events: [RESET, ...consoleOf(`${BANNER}28311552 bytes read in 1200 ms (22.5 MiB/s)\n=> `)],
    more: { watchedUntil: at(2) },
    verdict: 'not-started',
    says: 'has loaded 28.3 MB, but has not started it',
  },
  'a system that is up loads a file itself': {
    events: [RESET, ...consoleOf(`${LINUX}board login: `), tftp(60, 'firmware.bin')],
    verdict: 'up',
    says: 'Since then it has asked for "firmware.bin": it may be starting again.',
  },
  'a board without a talking boot loader is plugged out and in, and hangs': {
    events: [
      ...[RESET, ...consoleOf(`${LINUX}board login: `), tftp(60, 'kernel8.img')],
      ...consoleOf(
        '[    0.0] Linux version 6.1.0\n[    9.0] VFS: Unable to mount root fs via NFS.\n',
        at(61),
      ),
    ],
    verdict: 'no-mount',
    says: 'No NFS server of this board has heard from it',
  },
  'another user had the board': {
    events: [RESET, mount(5, { status: 'put-off', init: undefined, holder: 'bob' })],
    more: { holder: undefined },
    verdict: 'put-off',
    says: 'asked for the root of alice while bob had the board',
  },
  'it panics, and does not restart': {
    events: [
      RESET,
      ...consoleOf(`${LINUX}[    5.0] Kernel panic - not syncing: Fatal exception
[    5.1] Rebooting in 5 seconds..\n`),
    ],
    verdict: 'panic',
    says: 'Fatal exception. It was to restart by itself (Rebooting in 5 seconds), but has said nothing since.',
  },
  'another system than Linux was loaded': {
    events: [RESET, tftp(1, 'hypervisor'), ...consoleOf('NOVA Microhypervisor v5\nhello world\n', at(2))],
    verdict: 'unknown-text',
    says: 'The board has loaded "hypervisor" (1.0 MB). The console shows text that is not known here. The last line on its console: hello world',
  },
  'another system than Linux was started': {
    events: [RESET, ...consoleOf(`${BANNER}## Starting application at 0x1 ...\nhello world\n`)],
    verdict: 'unknown-text',
    says: 'has started what it loaded. The console shows text that is not known here.',
  },
  'another boot loader talks': {
    events: [RESET, ...consoleOf('NOVA Microhypervisor v5\nhello world\n')],
    verdict: 'unknown-text',
    says: 'The last line on its console: hello world',
  },
  'the line has another speed': {
    events: [RESET, ...consoleOf(Buffer.from([0xfe, 0x80, 0xf0, 0x9e, 0xff, 0x7e, 0x00, 0x80]))],
    verdict: 'unreadable',
    says: 'no readable text',
  },
  'nothing but zeros comes': {
    events: [RESET, ...consoleOf(Buffer.alloc(9))],
    verdict: 'unreadable',
    says: 'no readable text',
  },
  'it was on before anybody looked, and says nothing that is known': {
    events: consoleOf('hello world\n'),
    verdict: 'unknown-text',
    says: 'hello world',
  },
  'it was on before anybody looked, and says nothing': {
    events: [{ event: 'session', time: at(0), user: 'bob' }],
    verdict: 'unknown',
    says: 'does not tell how far it came',
  },
  'only the program on the line talks': {
    events: [RESET, ...consoleOf('Type [C-a] [C-h] to see available commands\nTerminal ready\n')],
    verdict: 'dead',
    says: 'shows nothing that a board says',
  },
};

test.each(Object.entries(CASES))('%s', (_name, each) => check(each));

const PANIC = `${LINUX}[    5.0] Kernel panic - not syncing: Fatal exception\n[    5.1] Rebooting in 5 seconds..\n`;
const AGAIN = 'The board restarts by itself; this is start 3. The kernel panicked: Fatal exception.';

test.each([
  ['the boot loader', `${BANNER}Starting kernel ...\n`],
  ['the same panic', PANIC],
])('a panic that comes again and again is told at %s', (_where, text) => {
  const events = [RESET, ...consoleOf(`${PANIC}${PANIC}`), ...consoleOf(text, at(60))];
  expect(findingOf(events, { now: at(63) })).toMatchObject({
    verdict: 'restarts',
    why: expect.stringContaining(AGAIN),
  });
});

test('a board that restarts without a word says so', () => {
  const { why } = findingOf([RESET, ...consoleOf(`${LINUX}${BANNER}`)]);
  expect(why).toContain(
    'this is start 2. Why is not to be seen. The last line on its console: Linux version',
  );
});

test('a user who resets a boot loader at its prompt is no board that restarts', () => {
  const waiting = findingOf([RESET, ...consoleOf(`${BANNER}=> `), ...consoleOf(`${BANNER}=> `, at(60))]);
  expect(waiting).toMatchObject({ verdict: 'prompt', why: expect.stringMatching(/^The boot loader waits/) });
  const typed = consoleOf(`${BANNER}Bytes transferred = 5 (5 hex)\n=> reset\nresetting ...\n${BANNER}`);
  expect(findingOf([RESET, ...typed], { now: at(3) }).verdict).toBe('booting');
});

test('a file that may be optional is not only to be uploaded', () => {
  const { advice } = findingOf([RESET, tftp(2, 'kernel8.img'), tftp(4, 'armstub8-gic.bin', refused)], UNSEEN);
  expect(advice).toEqual([
    'If it needs the file, upload it: rsync armstub8-gic.bin BOARD:',
    expect.stringContaining('If it does not, look further.'),
  ]);
});

test.each([
  ['.. in the file name', 'Correct the command on the board'],
  ['This server is read-only', 'Correct the command on the board'],
  ['Not a regular file', 'Upload it again, as a regular file'],
])('what to do about a refusal: %s', (result, advice) => {
  const finding = findingOf([RESET, tftp(2, 'a/../b', { ...refused, result })], UNSEEN);
  expect(finding.advice).toEqual([expect.stringContaining(advice)]);
});

test('a TFTP error of another server is not what this one has loaded', () => {
  const text = `${BANNER}Filename 'x.dtb'.\nTFTP error: 'Access violation' (2)\n=> `;
  const finding = findingOf([RESET, tftp(0.5, 'Image'), ...consoleOf(text)]);
  expect(finding).toMatchObject({ verdict: 'tftp-error', why: expect.stringContaining('"x.dtb"') });
});

test('a prompt stays one when the next console begins', () => {
  const left = consoleOf(`${BANNER}=> \nTerminating...\nThanks for using picocom\n`);
  expect(findingOf([RESET, ...left])).toMatchObject({ verdict: 'prompt' });
});
