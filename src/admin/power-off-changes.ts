/** The automatic power-off of one board: a unit for the user manager of its account, enabled as systemctl(1) does it. */
import fs from 'node:fs';
import path from 'node:path';
import { CommandError, ExitCode } from '../shell/errors.ts';
import { unitDirectory } from '../shell/nfs-place.ts';
import type { Account } from './account.ts';
import { runAsAccount } from './as-account.ts';
import type { Change } from './change.ts';
import { inHome, statHome } from './home-file.ts';
import type { Subject } from './subject.ts';
import { isSystemdRunning } from './systemd.ts';

const UNIT = 'novaboot-delayed-power-off.service';
const PLACES = ['/etc/systemd/user', '/usr/local/lib/systemd/user', '/usr/lib/systemd/user'];
const START_MS = 60_000;

function wantsLink(): string {
  return path.join(unitDirectory(''), 'default.target.wants', UNIT);
}

/**
 * Of one that has ended, as where lingering is undone: its socket stays until its directory goes. Newer ones say "user
 * scope bus via local transport".
 */
const GONE = /^Failed to connect to (?:[a-z]+ scope )?bus\b[^:]*: /m;

/** Tells the user manager, if it runs; else it finds out when it starts. */
function tellManager(account: Account, word: 'start' | 'stop'): void {
  const isThere = () => fs.existsSync(`/run/user/${account.uid}/systemd/private`);
  if (!isThere()) return;
  const systemctl = (...words: readonly string[]) =>
    runAsAccount(account, 'systemctl', ['--user', '--no-ask-password', ...words], { timeoutMs: START_MS });
  systemctl('daemon-reload');
  const { status, stderr } = systemctl(word, UNIT);
  if (status !== 0 && !GONE.test(stderr) && isThere())
    throw new CommandError(`${UNIT}: ${stderr.trimEnd().split('\n').at(-1) ?? ''}`);
}

function addLink(account: Account, unit: string): void {
  inHome(account, wantsLink(), (link) => {
    fs.mkdirSync(path.dirname(link), { recursive: true, mode: 0o700 });
    fs.symlinkSync(unit, link);
  });
}

function removeLink(account: Account): void {
  inHome(account, wantsLink(), (link) => fs.rmSync(link, { force: true }));
}

function enable(account: Account, unit: string): void {
  addLink(account, unit);
  try {
    tellManager(account, 'start');
  } catch (error) {
    removeLink(account);
    throw error;
  }
}

function disable(account: Account, unit: string): void {
  removeLink(account);
  try {
    tellManager(account, 'stop');
  } catch (error) {
    addLink(account, unit);
    throw error;
  }
}

export function powerOffChanges(subject: Subject, wanted: boolean): Change[] {
  const { resident } = subject;
  const isEnabled = resident !== undefined && statHome(resident, wantsLink()) !== undefined;
  if (isEnabled === wanted) return [];
  const { name, account } = subject;
  const unit = PLACES.map((directory) => path.join(directory, UNIT)).find((file) => fs.existsSync(file));
  if (unit === undefined || !isSystemdRunning()) {
    const why = unit === undefined ? `${UNIT} is not installed` : 'systemd does not run here';
    throw new CommandError(
      `The automatic power-off of ${name} is not possible: ${why}`,
      ExitCode.configuration,
    );
  }
  const on: Change = {
    text: `+ automatic power-off of ${name}`,
    apply: () => enable(account(), unit),
    undo: () => disable(account(), unit),
  };
  const off: Change = {
    text: `- automatic power-off of ${name}`,
    apply: () => disable(account(), unit),
    undo: () => enable(account(), unit),
  };
  return [wanted ? on : off];
}
