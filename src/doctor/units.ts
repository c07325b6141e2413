/** What has failed of the account's own systemd. */
import fs from 'node:fs';
import path from 'node:path';
import { askProgram } from './ask-program.ts';
import type { Check } from './finding.ts';

export interface UnitsContext {
  readonly name: string;
  /** With XDG_RUNTIME_DIR. */
  readonly env: Readonly<Record<string, string>>;
  /** What stands before the command line, for who is not the account. */
  readonly before: readonly string[];
}

const PATTERN = 'novaboot-*';
/** Ours: what the account's systemd says may be anything, and others paste it. */
const OURS = /^(novaboot-(?:nfsd@[\w.@+-]{1,64}\.(?:service|socket)|delayed-power-off\.service))\s/gm;
const MAX_UNITS = 100;

/** No check of those that are made in a process namespace of their own: there systemctl(1) finds no systemd. */
export const units: Check<UnitsContext> = {
  name: 'units',
  async run({ name, env, before }, signal) {
    if (!fs.existsSync(path.join(env.XDG_RUNTIME_DIR ?? '', 'systemd/private'))) return [];
    const words = ['systemctl', '--user', 'list-units', '--failed', '--plain', '--no-legend', PATTERN];
    const [file = '', ...args] = [...before, ...words];
    const answer = await askProgram(file, args, signal, env);
    const lines = answer?.status === 0 ? [...answer.stdout.matchAll(OURS)] : [];
    return lines.slice(0, MAX_UNITS).map(([, unit = '']) => ({
      severity: 'error',
      subject: name,
      what: `${unit} has failed`,
      why: unit.startsWith('novaboot-nfsd@')
        ? 'A board that has its root from there hangs.'
        : 'The board is not switched off after the last session.',
      fix: `Read why, as the account: journalctl --user -u ${unit}; then: systemctl --user restart ${unit}`,
    }));
  },
};
