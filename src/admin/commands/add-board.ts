/** Makes a board: its account, and all that belongs to it. Said again, it completes what is missing. */
import os from 'node:os';
import { CommandError, ExitCode } from '../../shell/errors.ts';
import { writeOut } from '../../shell/output.ts';
import { printable } from '../../shell/text.ts';
import { findAccount } from '../account.ts';
import { planBoard } from '../board-changes.ts';
import { shellKind } from '../boards.ts';
import type { AdminWords } from '../command.ts';
import type { BoardConfig, DesiredBoard, Identities, NfsSettings } from '../desired.ts';
import { readKey } from '../key-input.ts';
import { changing } from '../lock.ts';
import { withPresent } from '../present.ts';
import { carryOut } from '../report-plan.ts';
import { subjectOf } from '../subject.ts';
import { boardUsers } from '../user-changes.ts';

/** Options that have the name of what they set, with dashes. */
const CONFIG_OPTIONS = [
  'console',
  'console_cmd',
  'power',
  'on_cmd',
  'off_cmd',
  'reset_cmd',
  'target_config',
] as const;

function optionName(setting: string): string {
  return setting.replaceAll('_', '-');
}

function configOf(words: AdminWords): BoardConfig | undefined {
  const said = CONFIG_OPTIONS.flatMap((name) => {
    const value = name === 'console' ? consoleOf(words) : words.value(optionName(name));
    return value === undefined ? [] : [[name, value] as const];
  });
  return said.length === 0 ? undefined : Object.fromEntries(said);
}

/** A serial line in fewer words. */
function consoleOf(words: AdminWords): string | undefined {
  const [line, spec] = [words.value('serial'), words.value('console')];
  if (line === undefined) return spec;
  if (spec !== undefined || words.has('console-cmd'))
    throw new CommandError('--serial is the console; say one of them', ExitCode.usage);
  if (!line.startsWith('/')) {
    const message = `--serial: "${printable(line)}" is no device; a serial number goes to --serial-number`;
    throw new CommandError(message, ExitCode.usage);
  }
  return `serial:${line}`;
}

function nfsOf(words: AdminWords): NfsSettings | undefined {
  const clients = words.values('nfs').join(' ');
  if (clients === '') {
    if (words.has('server-addr')) throw new CommandError('--server-addr goes with --nfs', ExitCode.usage);
    return undefined;
  }
  const address = words.value('server-addr');
  return { allowed_clients: clients, ...(address === undefined ? {} : { server_addr: address }) };
}

function identitiesOf(words: AdminWords): Identities | undefined {
  const [addresses, macs, serials] = ['address', 'mac', 'serial-number'].map((name) => words.values(name));
  if (!addresses?.length && !macs?.length && !serials?.length) return undefined;
  return { addresses: addresses ?? [], macs: macs ?? [], serials: serials ?? [] };
}

/** @throws CommandError (64) */
export function numberOf(words: AdminWords, option: string): number | undefined {
  const text = words.value(option);
  if (text === undefined) return undefined;
  if (!/^\d{1,10}$/.test(text))
    throw new CommandError(`--${option}: "${text}" is not a number`, ExitCode.usage);
  return Number(text);
}

function desiredBoard(words: AdminWords): DesiredBoard {
  const [name = ''] = words.args;
  const [home, gecos, uid, key] = [
    words.value('home'),
    words.value('gecos'),
    numberOf(words, 'uid'),
    words.value('key'),
  ];
  const [config, nfs, identities] = [configOf(words), nfsOf(words), identitiesOf(words)];
  const admin = { name: words.value('admin-id') ?? 'admin', admin: true };
  return {
    name,
    account: { ...(home && { home }), ...(gecos && { gecos }), ...(uid === undefined ? {} : { uid }) },
    ...(config && { config }),
    ...(nfs && { nfs }),
    ...(identities && { identities }),
    ...(words.has('power-off') && { powerOff: true }),
    ...(key && { users: [{ ...admin, keys: [readKey(key)] }] }),
  };
}

/** What to do next. */
function nextStep({ name }: DesiredBoard): string {
  const account = findAccount(name);
  const users = account ? boardUsers(account) : [];
  return users.length > 0
    ? `The board ${name} is ready: ssh ${name}@${os.hostname()} help\n`
    : `Nobody can use the board ${name} yet: novaboot-admin add-user ${name} NAME --key FILE --admin\n`;
}

export async function run(words: AdminWords): Promise<void> {
  const desired = desiredBoard(words);
  const dryRun = words.has('dry-run');
  await changing(async () => {
    const existing = findAccount(desired.name);
    // One that was removed has left its files.
    const owner = existing ?? subjectOf(desired).resident;
    const isOther = existing !== undefined && shellKind(existing) !== 'ours';
    const whole = withPresent(desired, isOther ? undefined : owner);
    await carryOut(await planBoard(whole), { dryRun });
  });
  if (!dryRun) writeOut(nextStep(desired));
}
