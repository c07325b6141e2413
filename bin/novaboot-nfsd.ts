/** The NFS server. The stages of its start load only what they need. */

import { type Stage, takeStage } from '../src/nfs/stage.ts';
import { ExitCode, StartError } from '../src/system/start-error.ts';

/** What a user started: reads the options. @returns the exit status */
async function start(args: readonly string[]): Promise<number> {
  const { parseOptions } = await import('../src/nfs/options.ts');
  const options = parseOptions(args);
  if (typeof options === 'string') {
    process.stdout.write(options);
    return 0;
  }
  if (options.foreground) return enter({ stage: 'prepare', options });
  const { detach } = await import('../src/nfs/detach.ts');
  return detach(options);
}

async function enter(stage: Stage): Promise<number> {
  if (stage.stage === 'prepare') {
    const { serveConfined } = await import('../src/nfs/confinement.ts');
    return serveConfined(stage.options);
  }
  const { serve } = await import('../src/nfs/daemon.ts');
  await serve(stage);
  return 0;
}

const stage = takeStage(process.env);

async function exit(status: number): Promise<never> {
  if (stage?.stage !== 'serve') process.exit(status);
  // Threads of the server may wait for other processes.
  const { exitNow } = await import('../src/system/process.ts');
  return exitNow(status);
}

(stage ? enter(stage) : start(process.argv.slice(2))).then(exit, async (error: Error) => {
  const known = error instanceof StartError;
  const { tellFailure } = await import('../src/nfs/failure.ts');
  tellFailure(known ? error.message : `internal error: ${error.stack}`, stage);
  return exit(known ? error.exitCode : ExitCode.bug);
});
