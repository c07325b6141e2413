/** From argv to an exit status: who, what, allowed?, run. The one place that turns errors into messages. */
import { RootError } from '../rootfs/errors.ts';
import type { CommandEntry, CommandTable, Session } from './command.ts';
import { CommandError, ExitCode } from './errors.ts';
import { writeError } from './output.ts';
import { parseRequest, type Request, type UnitRequest, WAITER } from './request.ts';
import { openSession } from './session.ts';
import { printable } from './text.ts';

/** What the process was started with. */
export interface Invocation {
  /** What follows the program's name. */
  readonly argv: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

/** Unknown and forbidden commands read alike. */
async function notAllowed({ user, words }: Request): Promise<never> {
  const message = `Command not allowed: ${printable(words.join(' ').slice(0, 200))}`;
  const { systemLog } = await import('./system-log.ts');
  systemLog('err', user === undefined ? message : `${message} (user ${user})`);
  throw new CommandError(`${message}; help lists what is`, ExitCode.failed);
}

async function runUnit({ unit }: UnitRequest, env: NodeJS.ProcessEnv): Promise<never> {
  const session = openSession({ user: undefined, admin: false }, env, process.ppid);
  const [{ configuredProgram }, { openJournal }, { replaceProcess }] = await Promise.all([
    import('./configured-command.ts'),
    import('./journal.ts'),
    import('../system/process.ts'),
  ]);
  // Makes the file, to which the script appends.
  openJournal(session.home);
  return replaceProcess(configuredProgram(unit, session, { direct: true }), [], session.softFileLimit);
}

async function runLocked(
  entry: CommandEntry & { locked: true },
  request: Request,
  session: Session,
  { argv, env }: Invocation,
): Promise<never> {
  const [command, { runHeld }, { novabootId }] = await Promise.all([
    entry.load(),
    import('./hold.ts'),
    import('./identity.ts'),
  ]);
  const isWaiter = argv[0] === WAITER;
  const known = isWaiter ? env.NOVABOOT_ID : undefined;
  const NOVABOOT_ID = known ?? (await novabootId(request.user, env.SSH_CONNECTION));
  const identified = { ...session, env: { ...session.env, NOVABOOT_ID } };
  return await runHeld({
    session: identified,
    name: entry.name,
    args: request.words.slice(1),
    command,
    wait: request.wait,
    invocation: isWaiter ? undefined : { argv, env },
  });
}

async function dispatch(table: CommandTable, invocation: Invocation): Promise<number> {
  const { argv, env } = invocation;
  const isWaiter = argv[0] === WAITER;
  const parent = isWaiter ? Number(env.NOVABOOT_PPID) : process.ppid;
  const request = parseRequest(isWaiter ? argv.slice(1) : argv, env, parent);
  if ('unit' in request) return await runUnit(request, env);

  const [name, ...args] = request.words;
  const entry = table.find((command) => command.name === (name ?? '') && (!command.admin || request.admin));
  if (entry === undefined || name === '') return await notAllowed(request);
  const session = openSession(request, env, parent);
  if (entry.locked) return await runLocked(entry, request, session, invocation);
  if (request.wait !== 'forever') throw new CommandError(`${name} never waits`, ExitCode.usage);
  const command = await entry.load();
  return (await command.run(session, args, table)) ?? 0;
}

/** Tells the user, or the administrator, what went wrong. @returns the exit status */
export async function report(error: unknown, program = 'novaboot-shell'): Promise<number> {
  if (error instanceof CommandError || error instanceof RootError) {
    writeError(`${program}: ${printable(error.message)}\n`);
    return error.exitCode;
  }
  const { message, stack } = error as Error;
  const { systemLog } = await import('./system-log.ts');
  systemLog('err', `${program}: ${stack}`, program);
  writeError(`${program}: Internal error (${printable(message)}); the system log has more\n`);
  return ExitCode.bug;
}

/** Runs a request to its end. @returns the exit status, unless another program replaces this process */
export async function run(table: CommandTable, invocation: Invocation): Promise<number> {
  try {
    return await dispatch(table, invocation);
  } catch (error) {
    const status = await report(error);
    if (invocation.argv[0] !== WAITER) return status;
    // Node would wait for the threads that are blocked in flock(2) and poll(2).
    const { exitNow } = await import('../system/process.ts');
    return exitNow(status);
  }
}
