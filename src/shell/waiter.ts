/** The process that waits for an occupied board: this program once more, with NOVABOOT_ID for others to read. */
import { replaceProcess } from '../system/process.ts';
import type { Session } from './command.ts';
import { withHiddenLocale } from './environment.ts';
import { WAITER } from './request.ts';

/** It does nothing but sleep: the smallest heap, and no more threads than it needs. */
const NODE_OPTIONS = ['--max-semi-space-size=1', '--v8-pool-size=0', '--single-threaded'];

/** What it needs to read the same request in the same way. */
const PASSED_ON = ['SSH_ORIGINAL_COMMAND', 'NOVABOOT_NOFILE', 'NOVABOOT_SHELL_CONFIG'];

/** Replaces this process. `argv` and `env` are those of the request, `session.env` has the NOVABOOT_ID. */
export function becomeWaiter(argv: readonly string[], env: NodeJS.ProcessEnv, session: Session): never {
  const waiterEnv = withHiddenLocale(session.env);
  for (const name of PASSED_ON) {
    const value = env[name];
    if (value !== undefined) waiterEnv[name] = value;
  }
  const script = process.argv[1] ?? '';
  const args = ['novaboot-shell', ...NODE_OPTIONS, script, WAITER, ...argv];
  return replaceProcess({ file: process.execPath, args, env: waiterEnv }, []);
}
