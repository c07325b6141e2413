/** Removes directories whose modes keep their owner out. Arguments: a directory, the account to become. */
import fs from 'node:fs';
import path from 'node:path';
import { removeTree } from '../../src/rootfs/remove-tree.ts';

const [base = '', account = ''] = process.argv.slice(2);
// Only now: the account may be unable to read this repository.
if (account !== '') {
  process.setgroups?.([]);
  process.setgid?.(Number(account));
  process.setuid?.(Number(account));
}
const MODES = [0o000, 0o100, 0o200, 0o300, 0o400, 0o500, 0o600];
const closed: [string, number][] = [];
for (const mode of MODES) {
  const directory = path.join(base, 'tree', String(mode));
  fs.mkdirSync(path.join(directory, 'sub'), { recursive: true });
  fs.writeFileSync(path.join(directory, 'file'), '');
  closed.push([path.join(directory, 'sub'), mode], [directory, mode]);
}
// One that is moved up, since it is too deep.
const deep = path.join(base, 'tree', ...Array(60).fill('d'));
fs.mkdirSync(deep, { recursive: true });
closed.push([deep.slice(0, -2 * 8), 0o000]);
for (const [directory, mode] of closed) fs.chmodSync(directory, mode);
removeTree(fs.openSync(base, 'r'), 'tree');
