/** The TFTP server: a supervisor, and workers that it starts by this same program. */
import { isatty } from 'node:tty';
import { openLog } from '../src/system/log.ts';
import { ExitCode, StartError } from '../src/system/start-error.ts';
import { type Stage, takeStage } from '../src/tftp/stage.ts';

const log = openLog('novaboot-tftpd', isatty(2) ? 'terminal' : 'journal');

/** What a user or the service manager started. @returns the exit status */
async function start(args: readonly string[]): Promise<number> {
  const { parseCommandLine } = await import('../src/tftp/command-line.ts');
  const commandLine = parseCommandLine(args);
  if (typeof commandLine === 'string') {
    process.stdout.write(commandLine);
    return 0;
  }
  if (commandLine.check) {
    const { check } = await import('../src/tftp/check.ts');
    return check(commandLine.config) ? 0 : ExitCode.configuration;
  }
  const { supervise } = await import('../src/tftp/supervisor.ts');
  await supervise(commandLine, log);
  return 0;
}

async function enter(stage: Stage): Promise<number> {
  if (stage.stage === 'confine') {
    const { serveConfined } = await import('../src/tftp/confinement.ts');
    serveConfined(stage, log);
  }
  const { work } = await import('../src/tftp/worker.ts');
  await work(stage, log);
  return 0;
}

const stage = takeStage(process.env);

(stage ? enter(stage) : start(process.argv.slice(2))).then(
  (status) => process.exit(status),
  (error: Error) => {
    const known = error instanceof StartError;
    log('error', known ? error.message : `internal error: ${error.stack}`);
    process.exit(known ? error.exitCode : ExitCode.bug);
  },
);
