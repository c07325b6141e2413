/** Starts the server in a session of its own and waits until it answers. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { writeLine } from '../system/log.ts';
import { ExitCode, StartError } from '../system/start-error.ts';
import type { Options } from './options.ts';
import { stageProgram } from './stage.ts';

/** The ready line of stdout begins so; what comes before it are warnings, or the error. */
export const READY = 'novaboot-nfsd: serving ';
const START_MS = 20_000;
const { O_APPEND, O_CREAT, O_NOFOLLOW, O_WRONLY } = fs.constants;

function openLogFile(file: string): number {
  try {
    return fs.openSync(file, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0o600);
  } catch (error) {
    throw new StartError(`--log: ${(error as Error).message}`, ExitCode.failed, { cause: error });
  }
}

/** @returns the exit status: 0 once the server answers, otherwise its own, after its words on stderr */
export async function detach(options: Options): Promise<number> {
  const log = options.log === undefined ? 'ignore' : openLogFile(options.log);
  const { file, args, env } = stageProgram({ stage: 'prepare', options });
  const child = spawn(file, args, { env, cwd: '/', detached: true, stdio: ['ignore', 'pipe', log] });
  let told = false;
  return await new Promise((resolve, reject) => {
    let rest = '';
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new StartError(`the server does not answer after ${START_MS / 1000} s`));
    }, START_MS);
    child.once('error', (error) => reject(new StartError(error.message, ExitCode.failed, { cause: error })));
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (line.startsWith(READY)) {
          clearTimeout(timer);
          resolve(0);
          return;
        }
        told = true;
        writeLine(2, line);
      }
    });
    child.once('close', (status, signal) => {
      clearTimeout(timer);
      const why = `the server ended at its start (${signal ?? `status ${status}`})`;
      if (told && status) resolve(status);
      else reject(new StartError(options.log === undefined ? why : `${why}, see ${options.log}`));
    });
  });
}
