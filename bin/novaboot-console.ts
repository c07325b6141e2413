/** The console of a board, as .novaboot-shell has it; COMMAND_SCRIPT (src/shell/command-script.ts) starts it. */
import fs from 'node:fs';
import { CommandError, ExitCode } from '../src/shell/errors.ts';
import { report } from '../src/shell/run.ts';
import { softFileLimit } from '../src/shell/session.ts';
import { exitNow, setSoftFileLimit } from '../src/system/process.ts';

async function run([word, spec, ...program]: readonly string[]): Promise<number> {
  const limit = softFileLimit(process.env);
  if (limit !== undefined) setSoftFileLimit(limit);
  switch (spec === undefined ? undefined : word) {
    case 'line':
    case 'plain-line': {
      const { runLineConsole } = await import('../src/console/line-console.ts');
      return await runLineConsole({ spec: spec as string, ...(word === 'line' ? { program } : {}) });
    }
    case 'command': {
      const { relayCommand } = await import('../src/console/command-relay.ts');
      return await relayCommand([spec as string, ...program], process.env);
    }
    default:
      throw new CommandError('novaboot-console is for internal use', ExitCode.usage);
  }
}

// For those who find the line in use, and for ps(1): else each would be a node.
fs.writeFileSync('/proc/self/comm', 'novaboot-console');
// A thread may wait for a line that takes nothing.
void run(process.argv.slice(2)).catch(report).then(exitNow);
