/** A console of our own: opens the line, tells that, powers the board on, and stays until the user leaves. */
import { constants } from 'node:os';
import { parseConsoleSpec } from './console-spec.ts';
import type { Line } from './line.ts';
import { openConsoleLog } from './log-writer.ts';
import { openLine } from './open-line.ts';
import { powerOn } from './power-on.ts';
import { runSession } from './session.ts';
import { openUserTerminal } from './user-terminal.ts';

/** As the client waits for it. */
const CONNECTED = 'novaboot-shell: Connected\n';
const SIGNALS = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const;
const HINT = 'novaboot-shell: Ctrl-] q leaves the console, Ctrl-] b sends a break\n';

export interface LineConsole {
  /** The value of `console` in ~/.novaboot-shell. */
  readonly spec: string;
  /** Where `Connected` is to be said once the line is open: what runs then, to power the board on; may be empty. */
  readonly program?: readonly string[];
}

async function connect(line: Line, { program }: LineConsole, cleanUp: (() => void)[]): Promise<number> {
  const user = openUserTerminal();
  cleanUp.push(user.restore);
  const log = openConsoleLog(process.env.HOME ?? '', process.env.NB_USER, (message) =>
    user.say(`novaboot-shell: ${message}\n`),
  );
  cleanUp.push(() => log.close());
  if (program) user.say(CONNECTED);
  if (user.isTerminal) user.say(HINT);
  return await runSession({
    line,
    user,
    log,
    powerOn: async () => (program && program.length > 0 ? await powerOn(program, user) : 0),
  });
}

function whenSignalled(): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  for (const signal of SIGNALS) process.once(signal, () => resolve(128 + constants.signals[signal]));
  return promise;
}

/**
 * @returns the exit status
 * @throws CommandError where the line cannot be opened (75 in use, 78 misconfigured), or is gone later
 */
export async function runLineConsole(console: LineConsole): Promise<number> {
  const cleanUp: (() => void)[] = [];
  const session = async () => {
    const line = await openLine(parseConsoleSpec(console.spec));
    cleanUp.push(line.close);
    return await connect(line, console, cleanUp);
  };
  try {
    return await Promise.race([whenSignalled(), session()]);
  } finally {
    for (const step of cleanUp.reverse()) step();
  }
}
