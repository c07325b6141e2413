/** Starts the login shell as sshd does: a session of its own, with a terminal or with pipes. */
import { spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { basename } from 'node:path';
import type { Writable } from 'node:stream';
import { openPipe } from '../../system/pipe.ts';
import { spawnInTerminal, type TerminalSize } from '../../system/pty.ts';

export interface LoginShellOptions {
  /** The login shell's path. */
  readonly file: string;
  /** What stands behind `-c`. */
  readonly command: string;
  readonly home: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly size?: TerminalSize;
}

export type ExitStatus =
  | { readonly code: number }
  | { readonly signal: NodeJS.Signals }
  | { readonly error: Error };

export interface LoginShell {
  /** Standard output, and with a terminal also standard error. */
  readonly output: AsyncIterable<Buffer>;
  readonly errors?: AsyncIterable<Buffer>;
  readonly input: Writable;
  readonly exited: Promise<ExitStatus>;
  resize(size: TerminalSize): void;
  /** Signals the shell and what it runs, as a terminal's driver would. */
  signal(signal: NodeJS.Signals): void;
  /** The other side is gone: closes the terminal or the pipes and sends SIGHUP to the shell. */
  hangUp(): void;
}

interface StartedProcess {
  readonly pid?: number | undefined;
  kill(signal: NodeJS.Signals): boolean;
  once(event: 'exit', listener: (code: number | null, signal: NodeJS.Signals | null) => void): unknown;
  once(event: 'error', listener: (error: Error) => void): unknown;
}

function exitOf(child: StartedProcess): Promise<ExitStatus> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ? { signal } : { code: code ?? 1 }));
    child.once('error', (error) => resolve({ error }));
  });
}

function signalGroup({ pid }: StartedProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // ESRCH: all of them have ended.
  }
}

/** What a destroyed stream has left to say is of no interest. */
async function* untilClosed(source: AsyncIterable<unknown>): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of source) yield chunk as Buffer;
  } catch {
    // The pipe was closed by hangUp(), or broke.
  }
}

/** Pipes as sshd uses them: some programs tell them from sockets, open /dev/stdin, or look for a hang-up. */
function startWithPipes(options: LoginShellOptions): LoginShell {
  const pipes = { input: openPipe(), output: openPipe(), errors: openPipe() };
  const childEnds = [pipes.input.readEnd, pipes.output.writeEnd, pipes.errors.writeEnd];
  const input = new Socket({ fd: pipes.input.writeEnd, readable: false, writable: true });
  const output = new Socket({ fd: pipes.output.readEnd, readable: true, writable: false });
  const errors = new Socket({ fd: pipes.errors.readEnd, readable: true, writable: false });
  const close = () => {
    for (const stream of [input, output, errors]) stream.destroy();
  };
  for (const stream of [input, output, errors]) stream.on('error', () => stream.destroy());
  try {
    const child = spawn(options.file, ['-c', options.command], {
      argv0: basename(options.file),
      cwd: options.home,
      env: options.environment,
      stdio: childEnds,
      detached: true,
    });
    return {
      output: untilClosed(output),
      errors: untilClosed(errors),
      input,
      exited: exitOf(child),
      resize: () => {},
      signal: (signal) => signalGroup(child, signal),
      hangUp: () => {
        close();
        child.kill('SIGHUP');
      },
    };
  } catch (error) {
    close();
    throw error;
  } finally {
    for (const fd of childEnds) closeSync(fd);
  }
}

function startInTerminal(options: LoginShellOptions, size: TerminalSize): LoginShell {
  const terminal = spawnInTerminal([options.file, '-c', options.command], {
    cwd: options.home,
    size,
    environment: (path) => ({ ...options.environment, SSH_TTY: path }),
  });
  return {
    output: terminal.output,
    input: terminal.input,
    exited: exitOf(terminal.child),
    resize: terminal.resize,
    signal: (signal) => signalGroup(terminal.child, signal),
    hangUp: () => {
      terminal.close();
      terminal.child.kill('SIGHUP');
    },
  };
}

export function startLoginShell(options: LoginShellOptions): LoginShell {
  return options.size ? startInTerminal(options, options.size) : startWithPipes(options);
}
