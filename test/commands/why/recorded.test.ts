/** What `why` makes of consoles that were recorded from the virtual board, without any other journal. */
import { expect, test } from 'vitest';
import { consoleOf, findingOf, RESET, recorded } from './consoles.ts';

test.each([
  ['missing-kernel', 'missing-file', '"Image.old", which is not among its boot files'],
  ['no-server', 'no-answer', 'no answer from the server that it asks (ARP Retry count exceeded)'],
  ['bad-magic', 'bad-image', 'no kernel for the command that is to start it: kernel_comp_addr_r'],
  ['silent', 'silent-kernel', 'the console has been silent since'],
  ['no-ramdisk-panic', 'no-initramfs', 'It was given nfsroot=, but neither an initramfs nor root=/dev/nfs'],
  ['no-nfsroot', 'no-nfsroot', 'not told where its root is'],
  ['wrong-nfsroot', 'no-mount', 'No NFS server of this board has heard from it (cannot mount 10.0.2.2:'],
  ['missing-init', 'missing-init', 'There is no /sbin/init in the root file system'],
  ['wrong-init', 'bad-init', 'made for another kind of processor'],
  ['sysrq-panic', 'panic', 'The kernel panicked: sysrq triggered crash'],
  ['good', 'up', 'The board is up'],
])('%s: %s', (name, verdict, why) => {
  const finding = findingOf([RESET, ...consoleOf(recorded(name))], { tftpJournal: false });
  expect(finding.verdict).toBe(verdict);
  expect(finding.why).toContain(why);
});

test.each([
  'missing-kernel',
  'no-server',
  'silent',
  'no-ramdisk-panic',
  'wrong-nfsroot',
  'missing-init',
  'wrong-init',
  'sysrq-panic',
  'good',
])('%s, cut off at any line, is a boot that goes on or has a cause', (name) => {
  const lines = recorded(name).toString('latin1').split('\n');
  for (let count = 1; count <= lines.length; count += 1) {
    const events = [RESET, ...consoleOf(lines.slice(0, count).join('\n'))];
    const { verdict, advice } = findingOf(events);
    expect(verdict, lines[count - 1]).not.toBe('unknown');
    if (verdict !== 'up') expect(advice).not.toEqual([]);
  }
});
