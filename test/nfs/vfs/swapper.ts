/**
 * Another program in the tree: it makes directories links to a place outside and back again, files links to a file
 * there, until it is told to stop.
 *
 * Arguments: the base, the place outside.
 */
import fs from 'node:fs';
import path from 'node:path';

const [base = '', outside = ''] = process.argv.slice(2);
const at = (name: string) => path.join(base, name);

function quietly(...calls: (() => void)[]): void {
  for (const call of calls) {
    try {
      call();
    } catch {
      // The VFS moves the same things.
    }
  }
}

let isOn = true;
process.on('SIGTERM', () => {
  isOn = false;
});
process.stdout.write('ready\n');

function swap(): void {
  for (let round = 0; round < 50; round += 1) {
    quietly(
      () => fs.renameSync(at('victim'), at('aside')),
      () => fs.symlinkSync(outside, at('victim')),
      () => fs.unlinkSync(at('victim')),
      () => fs.renameSync(at('aside'), at('victim')),
      () => fs.unlinkSync(at('victim/file')),
      () => fs.symlinkSync(path.join(outside, 'file'), at('victim/file')),
      () => fs.unlinkSync(at('victim/file')),
      () => fs.symlinkSync('/proc/self/root', at('victim/file')),
      () => fs.unlinkSync(at('victim/file')),
      () => fs.writeFileSync(at('victim/file'), 'inside'),
    );
  }
  if (isOn) setImmediate(swap);
}
swap();
