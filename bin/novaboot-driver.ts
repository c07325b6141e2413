/**
 * Switches a board's power: `novaboot-driver on|off|state|reset [SECONDS]`, with the value of `power=` as a line on
 * standard input, since it may hold a password and arguments are seen by all users of the host.
 */
import fs from 'node:fs';
import { constants } from 'node:os';
import { readPower, resetPower, switchPower } from '../src/power/power.ts';
import { parseSpec } from '../src/power/spec.ts';
import { CommandError, ExitCode } from '../src/shell/errors.ts';
import { writeError, writeOut } from '../src/shell/output.ts';
import { printable } from '../src/shell/text.ts';

const [action = '', delay = '2', ...rest] = process.argv.slice(2);

/** Ended in the middle, a reset switches on at once, so that the board is not left without power. */
const hurry = new AbortController();
let ended = 0;
for (const name of ['SIGHUP', 'SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    ended = 128 + constants.signals[name];
    if (action === 'reset') hurry.abort();
    else process.exit(ended);
  });
}

async function run(): Promise<number> {
  const seconds = Number(delay);
  if (!['on', 'off', 'state', 'reset'].includes(action) || rest.length > 0) {
    throw new CommandError('novaboot-driver is for internal use', ExitCode.usage);
  }
  if (!/^\d+(\.\d+)?$/.test(delay) || seconds > 600) {
    throw new CommandError(
      `reset_delay is "${delay}"; it is a number of seconds, at most 600`,
      ExitCode.configuration,
    );
  }
  const driver = await parseSpec(fs.readFileSync(0, 'utf8').trim());
  if (action === 'state') writeOut(`${await readPower(driver)}\n`);
  else if (action === 'reset') await resetPower(driver, seconds, hurry.signal);
  else await switchPower(driver, action as 'on' | 'off');
  return ended;
}

function tell(error: Error): number {
  const known = error instanceof CommandError;
  const message = known
    ? `${action === 'state' ? 'power' : action}: ${error.message}`
    : `Internal error (${error.message}); the power may have any state`;
  writeError(`novaboot-shell: ${printable(message)}\n`);
  return known ? error.exitCode : ExitCode.bug;
}

run().then(
  (status) => process.exit(status),
  async (error: Error) => {
    const status = tell(error);
    const { exitNow } = await import('../src/system/process.ts');
    // A name server that does not answer would keep one of Node's threads, and Node waits for those.
    process.on('exit', () => exitNow(status));
    process.exit(status);
  },
);
