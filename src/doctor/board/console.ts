/** Whether the board's console can be reached. It is not opened: somebody may need it just now. */
import fs from 'node:fs';
import { type ConsoleSpec, parseConsoleSpec } from '../../console/console-spec.ts';
import { connectTo, serverName } from '../../console/tcp-line.ts';
import type { Session } from '../../shell/command.ts';
import { openLock } from '../../shell/lock.ts';
import { flockRecords, processesNamed } from '../../system/proc.ts';
import { askProgram } from '../ask-program.ts';
import { type Check, inOrder, type Said } from '../finding.ts';
import type { BoardContext } from './context.ts';

type Serial = Extract<ConsoleSpec, { kind: 'serial' }>;
type Remote = Exclude<ConsoleSpec, Serial>;

/** Daemons that open each new serial line to find out what is there. */
const PROBERS = {
  ModemManager: 'ENV{ID_MM_DEVICE_IGNORE}="1"',
  brltty: 'ENV{BRLTTY_BRAILLE_DRIVER}=""',
} as const;

function unusable(name: string, what: string, fix: string): Said {
  const why = 'Nobody gets a console, and what is started before it does not start.';
  return { severity: 'error', subject: name, what, why, fix };
}

/** udev's properties of a device that keep daemons away. */
async function isIgnored(device: string, signal: AbortSignal): Promise<boolean> {
  const answer = await askProgram('udevadm', ['info', '-q', 'property', '-n', device], signal);
  return /^ID_MM_(?:DEVICE|PORT|TTY)_IGNORE=1$/m.test(answer?.stdout ?? '');
}

async function serialFindings({ path }: Serial, name: string, signal: AbortSignal): Promise<Said[]> {
  const stat = fs.statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) {
    const fix =
      'Plug the adapter in; if it has another name now, use the one beneath /dev/serial/by-id, which stays.';
    return [unusable(name, `the console ${path} is absent`, fix)];
  }
  if (!stat.isCharacterDevice()) {
    const fix = 'Correct console in the configuration.';
    return [unusable(name, `the console ${path} is no device`, fix)];
  }
  try {
    fs.accessSync(path, fs.constants.R_OK | fs.constants.W_OK);
  } catch {
    const fix = `Add the account to the device's group (often: adduser ${name} dialout), or write a rule for udev.`;
    return [unusable(name, `the account may not open the console ${path}`, fix)];
  }
  const found = [inOrder(name, `the console ${path} is there`)];
  const device = fs.realpathSync(path);
  if (!/^\/dev\/tty(?:USB|ACM)\d+$/.test(device)) return found;
  for (const [daemon, property] of Object.entries(PROBERS)) {
    if (processesNamed(daemon).length === 0 || (await isIgnored(device, signal))) continue;
    found.push({
      severity: 'warning',
      subject: name,
      what: `${daemon} runs, which tries serial lines like ${path}`,
      why: 'It opens each new one and writes to it: the boot loader takes that for a key that stops it.',
      fix: `Remove ${daemon}, or have udev tell it to leave the line alone (${property}).`,
    });
  }
  return found;
}

function isHeld({ lockDirectory }: Session): boolean {
  const fd = openLock(lockDirectory);
  try {
    return flockRecords(fd).some(({ waiting }) => !waiting);
  } finally {
    fs.closeSync(fd);
  }
}

async function remoteFindings(spec: Remote, name: string, session: Session): Promise<Said[]> {
  const server = serverName(spec);
  // Many console servers end the connection that they have for a new one.
  if (isHeld(session))
    return [inOrder(name, `the console server ${server} was not tried: somebody has the board`)];
  try {
    const socket = await connectTo(spec);
    socket.destroy();
    return [inOrder(name, `the console server ${server} takes connections`)];
  } catch (error) {
    const fix = 'Look at the console server, at the network between, and at console in the configuration.';
    return [unusable(name, `the console server ${(error as Error).message}`, fix)];
  }
}

export const console: Check<BoardContext> = {
  name: 'console',
  async run({ session, name, settings, problems }, signal) {
    const value = settings.get('console');
    // They come before it.
    if (settings.get('console_cmd') || (!value && settings.get('default_cmd'))) return [];
    if (!value) {
      const isUnread = settings.size === 0 && problems.some(({ file }) => file === session.configPath);
      const fix = `Set console or console_cmd in ${session.configPath}: see novaboot-shell.conf(5).`;
      return isUnread ? [] : [unusable(name, 'the board has no console', fix)];
    }
    let spec: ConsoleSpec;
    try {
      spec = parseConsoleSpec(value);
    } catch {
      // The check of the configuration says so.
      return [];
    }
    if (spec.kind === 'serial') return await serialFindings(spec, name, signal);
    return await remoteFindings(spec, name, session);
  },
};
