/**
 * The delayed power-off: switches boards through systemd, and has it wait with that. Board accounts run it as root by
 * sudo (units/novaboot.sudoers), systemd as root and as the board account.
 */
import { callingAccount } from '../src/power-off/account.ts';
import { CommandError, ExitCode } from '../src/shell/errors.ts';
import { report } from '../src/shell/run.ts';

async function run(words: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  const [word, uid] = words;
  if (words.length === 1 && (word === 'on' || word === 'off')) {
    const { switchBoard } = await import('../src/power-off/switch.ts');
    return switchBoard(callingAccount(env), word);
  }
  if (words.length === 1 && word === 'idle-off') {
    const { switchIdleBoardOff } = await import('../src/power-off/idle-off.ts');
    return switchIdleBoardOff(env);
  }
  const { delayOff, followSessions, watchSessions } = await import('../src/power-off/timer.ts');
  if (words.length === 1 && word === 'delayed-off') return delayOff(callingAccount(env));
  if (words.length === 1 && word === 'watch') return watchSessions(callingAccount(env));
  if (words.length === 2 && word === 'sessions' && uid !== undefined) return followSessions(uid);
  throw new CommandError('Usage: novaboot-power on|off|delayed-off', ExitCode.usage);
}

run(process.argv.slice(2), process.env).catch(async (error) => {
  process.exitCode = await report(error);
});
