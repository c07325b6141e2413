/** Has the board, as a session of the shell does: HOME USER [unnamed]. Prints a line once its lease is published. */
import fs from 'node:fs';
import type { Session } from '../../src/shell/command.ts';
import { takeLease } from '../../src/shell/lease.ts';
import { flock, LOCK_EX } from '../../src/system/descriptors.ts';

const [home = '', user] = process.argv.slice(2);
flock(fs.openSync(home, 'r'), LOCK_EX);
takeLease({ home, user, lockDirectory: home } as unknown as Session);
console.log('held');
process.stdin.resume();
