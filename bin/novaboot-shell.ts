/** The login shell of a board account. */
import { commands } from '../src/commands/index.ts';
import { run } from '../src/shell/run.ts';

void run(commands, { argv: process.argv.slice(2), env: process.env }).then((status) => {
  process.exitCode = status;
});
