/** Starts the demo from source for a test, and OpenSSH's client against it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export const PROGRAM = resolve(import.meta.dirname, '../../bin/novaboot-demo.ts');

export interface Result {
  /** 128 + signal where the process was killed. */
  readonly status: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly result: Promise<Result>;
  /** Waits until the standard output has the text; @returns all of it so far */
  seen(text: string): Promise<string>;
}

export function run(
  file: string,
  args: readonly string[],
  stdin?: Buffer | 'open',
  options: { cwd?: string; env?: Record<string, string> } = {},
): Running {
  const child = spawn(file, args, { ...options, stdio: ['pipe', 'pipe', 'pipe'] });
  const stdout: Buffer[] = [];
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk;
  });
  child.stdin.on('error', () => {});
  if (stdin !== 'open') child.stdin.end(stdin);
  const result = once(child, 'close').then(([status]) => ({ status, stdout: Buffer.concat(stdout), stderr }));
  async function seen(text: string): Promise<string> {
    const all = () => Buffer.concat(stdout).toString();
    await eventually(() => all().includes(text), 60_000).catch(() => {
      throw new Error(`expected ${text}, got ${all()}${stderr}`);
    });
    return all();
  }
  return { child, result, seen };
}

/** A login shell that runs whatever it is asked to. */
const STAND_IN = `#!/bin/sh
NB_COMMAND="$*"
export NB_COMMAND
eval "\${SSH_ORIGINAL_COMMAND-echo login}"
`;

export class Demo {
  readonly state: string;
  readonly child: ChildProcess;
  readonly exited: Promise<unknown[]>;
  output = '';
  errors = '';

  constructor(options: { shell?: string; args?: readonly string[]; state?: string } = {}) {
    this.state = options.state ?? mkdtempSync(join(tmpdir(), 'novaboot-demo-'));
    const standIn = join(this.state, 'stand-in');
    if (options.shell === undefined) writeFileSync(standIn, STAND_IN, { mode: 0o755 });
    const args = ['--state', this.state, '--shell', options.shell ?? standIn, '--board', 'simple'];
    this.child = spawn(process.execPath, [PROGRAM, ...args, ...(options.args ?? ['--port', '0'])]);
    this.child.stdout?.on('data', (chunk) => {
      this.output += chunk;
    });
    this.child.stderr?.on('data', (chunk) => {
      this.errors += chunk;
    });
    this.exited = once(this.child, 'exit');
    // Also when a test was cut off.
    process.setMaxListeners(0).once('exit', () => this.child.kill());
  }

  async ready(): Promise<this> {
    while (!this.output.includes('Ctrl-C')) {
      if (this.child.exitCode !== null) throw new Error(this.errors);
      await delay(20);
    }
    return this;
  }

  get port(): number {
    return Number(/port (\d+)/.exec(this.output)?.[1]);
  }

  get home(): string {
    return join(this.state, 'home');
  }

  sshArguments(...args: string[]): string[] {
    return ['-F', join(this.state, 'ssh_config'), '-o', 'BatchMode=yes', '-o', 'LogLevel=ERROR', ...args];
  }

  ssh(args: readonly string[], stdin?: Buffer | 'open'): Running {
    return run('ssh', this.sshArguments(...args), stdin);
  }

  /** Runs a command as alice; @returns what it printed, as text */
  async text(command: string, ...options: string[]): Promise<string> {
    const { stdout } = await this.ssh([...options, 'alice', command]).result;
    return stdout.toString();
  }

  async stop(): Promise<void> {
    this.child.kill('SIGTERM');
    await this.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    rmSync(this.state, { recursive: true, force: true });
  }
}

/** Waits for something that takes a moment. */
export async function eventually(condition: () => boolean | Promise<boolean>, forMs = 20_000): Promise<void> {
  for (const end = Date.now() + forMs; !(await condition()); await delay(20)) {
    if (Date.now() > end) throw new Error('waited in vain');
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
