/** A session channel (RFC 4254 §6): one login shell, at the other end of the client's standard streams. */
import type { PseudoTtyInfo, ServerChannel, Session } from 'ssh2';
import type { TerminalSize } from '../../system/pty.ts';
import { ChannelOutput } from './channel-output.ts';
import type { Login } from './login.ts';
import { type ExitStatus, type LoginShell, startLoginShell } from './login-shell.ts';

export interface SessionContext {
  readonly login: Login;
  /** The login shell's path. */
  readonly shell: string;
  readonly home: string;
  /** What every session of the connection gets. */
  readonly environment: Readonly<Record<string, string>>;
  /** Called when a shell was started. */
  started(shell: LoginShell): void;
}

/** What sshd_config's AcceptEnv would say; the login shell checks the values as well. */
const ACCEPTED_VARIABLE = /^(LANG|LC_[A-Z]{1,32}|TERM)$/;
const ACCEPTED_VALUE = /^[A-Za-z0-9_.@:+-]{1,64}$/;
const MAX_VARIABLES = 32;

/** What a client may send to its own processes. */
const SIGNALS = ['HUP', 'INT', 'QUIT', 'TERM'] as const;

function sizeOf(info: Pick<PseudoTtyInfo, 'rows' | 'cols' | 'width' | 'height'>): TerminalSize {
  return { rows: info.rows, columns: info.cols, width: info.width, height: info.height };
}

function sendExit(channel: ServerChannel, status: ExitStatus): void {
  if ('signal' in status) channel.exit(status.signal.replace(/^SIG/, ''), false, '');
  else channel.exit('code' in status ? status.code : 127);
}

/** Joins channel and shell until the shell has ended, or the client is gone. */
async function join(channel: ServerChannel, shell: LoginShell, output: ChannelOutput): Promise<void> {
  channel.on('error', () => {});
  // RFC 4254 §5.3: the client's end of file is the shell's. A terminal has none, and sshd doesn't type it either.
  channel.pipe(shell.input, { end: shell.errors !== undefined });
  // A program that stopped reading must not stop the client.
  shell.input.on('error', () => channel.unpipe(shell.input).resume());
  const exited = shell.exited.then((status) => {
    if ('error' in status)
      channel.stderr.write(`novaboot-demo: cannot run the login shell: ${status.error.message}\n`);
    sendExit(channel, status);
  });
  await Promise.all([
    exited,
    output.send(shell.output, 'stdout'),
    shell.errors && output.send(shell.errors, 'stderr'),
  ]);
  channel.end();
}

/**
 * Answers a session's requests. Those without a listener here (subsystems, X11, agent) ssh2 refuses.
 *
 * @returns ends the session from our side: its shell gets SIGHUP
 */
export function serveSession(session: Session, context: SessionContext): () => void {
  const environment: Record<string, string> = {};
  let size: TerminalSize | undefined;
  let shell: LoginShell | undefined;
  let output: ChannelOutput | undefined;

  function start(accept: () => ServerChannel, reject: () => void, command: string | undefined): void {
    if (shell) {
      reject?.();
      return;
    }
    try {
      shell = startLoginShell({
        file: context.shell,
        command: context.login.command,
        home: context.home,
        environment: {
          ...environment,
          ...context.environment,
          ...(command === undefined ? {} : { SSH_ORIGINAL_COMMAND: command }),
        },
        ...(size ? { size } : {}),
      });
    } catch (error) {
      // A NUL in the command, or no terminal left.
      console.error(`novaboot-demo: cannot start a session: ${(error as Error).message}`);
      reject?.();
      return;
    }
    context.started(shell);
    const channel = accept();
    output = new ChannelOutput(channel);
    join(channel, shell, output).catch((error: Error) => {
      console.error(`novaboot-demo: session failed: ${error.message}`);
      channel.close();
    });
  }

  function end(): void {
    output?.close();
    shell?.hangUp();
  }

  session.on('env', (accept, reject, { key, val }) => {
    const accepted = ACCEPTED_VARIABLE.test(key) && ACCEPTED_VALUE.test(val);
    if (!accepted || Object.keys(environment).length >= MAX_VARIABLES) {
      reject?.();
    } else {
      environment[key] = val;
      accept?.();
    }
  });
  session.on('pty', (accept, reject, info) => {
    if (!context.login.terminal || size) {
      reject?.();
      return;
    }
    size = sizeOf(info);
    // The terminal's modes are left as Linux sets them: ssh2 1.17 reads them from the wrong place of the request.
    environment.TERM = ACCEPTED_VALUE.test(info.term) ? info.term : 'vt100';
    accept?.();
  });
  session.on('window-change', (accept, _reject, info) => {
    if (size) shell?.resize(sizeOf(info as PseudoTtyInfo));
    accept?.();
  });
  session.on('signal', (accept, reject, { name }) => {
    const signal = SIGNALS.find((known) => known === name);
    if (shell && signal) {
      shell.signal(`SIG${signal}`);
      accept?.();
    } else {
      reject?.();
    }
  });
  session.on('exec', (accept, reject, { command }) => start(accept, reject, command));
  session.on('shell', (accept, reject) => start(accept, reject, undefined));
  session.once('close', end);
  return end;
}
