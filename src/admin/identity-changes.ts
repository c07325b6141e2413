/** How boards make themselves known to the TFTP server: a file each in /etc/novaboot/tftpd.conf.d. */
import fs from 'node:fs';
import path from 'node:path';
import { CommandError, ExitCode } from '../shell/errors.ts';
import { printable } from '../shell/text.ts';
import { addressNumber } from '../system/client-list.ts';
import { addresses, type Board, type Config, mac, parseConfig, serial } from '../tftp/config.ts';
import { ConfigError } from '../tftp/config-error.ts';
import { boardsDirectory, CONFIG, type ConfigText, readTexts } from '../tftp/config-files.ts';
import type { Plan } from './change.ts';
import type { Identities } from './desired.ts';
import { hostFileChange } from './host-file.ts';
import { isUntouched, writtenFile } from './written-file.ts';

type Texts = readonly [ConfigText, ...ConfigText[]];

const KINDS = { address: addresses, serial, mac } as const;

export type IdentityKind = keyof typeof KINDS;

/** As the TFTP server compares it: a line may have several addresses. @throws CommandError (64) */
export function parseIdentity(kind: IdentityKind, text: string): string[] {
  const result = KINDS[kind].safeParse(text);
  if (result.success) return [result.data].flat();
  const shown = printable(text.slice(0, 80));
  throw new CommandError(`${kind} "${shown}": ${result.error.issues[0]?.message}`, ExitCode.usage);
}

function parse(kind: IdentityKind, texts: readonly string[]): string[] {
  return texts.flatMap((text) => parseIdentity(kind, text));
}

/** The lines of a section, in normal form. @throws CommandError (64) */
function linesOf(identities: Identities): string[] {
  return [
    ...parse('address', identities.addresses).map((value) => `address=${value}`),
    ...parse('serial', identities.serials).map((value) => `serial=${value}`),
    ...parse('mac', identities.macs).map((value) => `mac=${value.replaceAll('-', ':')}`),
  ];
}

/** What the server knows a board by, in any order. */
function known({ addresses: list, prefixes }: Pick<Board, 'addresses' | 'prefixes'>): string {
  return JSON.stringify([...list.map((address) => String(addressNumber(address))), ...prefixes].sort());
}

function wantedOf(identities: Identities): string {
  const prefixes = [...parse('serial', identities.serials), ...parse('mac', identities.macs)];
  return known({ addresses: parse('address', identities.addresses), prefixes });
}

/** @throws CommandError (78) for what the TFTP server could not use either */
function checked<T>(work: () => T, words = (problem: string) => problem): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const [problem = ''] = error.problems;
    throw new CommandError(words(problem), ExitCode.configuration, { cause: error });
  }
}

/** @throws CommandError (78) for a configuration of which the TFTP server would leave out a part */
function parsed(texts: Texts, words?: (problem: string) => string): Config {
  return checked(() => {
    const config = parseConfig(texts);
    if (config.problems.length > 0) throw new ConfigError(config.problems);
    return config;
  }, words);
}

/** @param config tftpd.conf, without which there is no board yet */
function texts(config: string): Texts {
  if (!fs.existsSync(config)) return [{ file: config, content: '' }];
  return checked(() => readTexts(config));
}

function replaced(old: Texts, edits: ReadonlyMap<string, string | undefined>): Texts {
  const [main, ...others] = old;
  const kept = others.filter(({ file }) => !edits.has(file));
  const written = [...edits].flatMap(([file, content]) => (content === undefined ? [] : [{ file, content }]));
  return [main, ...kept, ...written];
}

/** Where boards' boot files are, by name (design.md 7a), from one reading. @throws CommandError (78) */
export function boardTrees(config = CONFIG): (name: string) => string {
  const { boards, directory } = parsed(texts(config));
  const trees = new Map(boards.map(({ name, tree }) => [name, tree]));
  return (name) => trees.get(name) ?? path.join(directory, name);
}

/** The same of one. */
export function boardTree(name: string, config = CONFIG): string {
  return boardTrees(config)(name);
}

/** What the server knows a board by, and what it is to know besides. @throws CommandError (64, 78) */
export function withPresentIdentities(name: string, more: Identities, config = CONFIG): Identities {
  const { boards } = parsed(texts(config));
  const { addresses = [], prefixes = [] } = boards.find((each) => each.name === name) ?? {};
  const numbers = addresses.map(addressNumber);
  const isMac = (prefix: string) => prefix.includes('-');
  return {
    addresses: [
      ...addresses,
      ...parse('address', more.addresses).filter((each) => !numbers.includes(addressNumber(each))),
    ],
    macs: [...new Set([...prefixes.filter(isMac), ...parse('mac', more.macs)])],
    serials: [...new Set([...prefixes.filter((prefix) => !isMac(prefix)), ...parse('serial', more.serials)])],
  };
}

/** Why a section is not ours to change; undefined where it is. */
function conflict(name: string, file: string, text: string | undefined, board: Board | undefined) {
  const place = board?.file ?? file;
  const isOurs = place === file && (text === undefined || isUntouched(text));
  return isOurs
    ? undefined
    : `${place}: [board ${name}] is written by hand and says something else: change it there`;
}

/** A place in a file that is not written yet means nothing to anybody. */
function inWords(problem: string, edits: ReadonlyMap<string, unknown>): string {
  const [place = '', file = ''] = /^(.*?):\d+: /.exec(problem) ?? [];
  return edits.has(file) ? `board ${path.basename(file, '.conf')}: ${problem.slice(place.length)}` : problem;
}

/**
 * What leads to these identities, all at once, since one board may get what another one had.
 *
 * @param wanted by the board's name; undefined: the board is unknown to the server
 * @throws CommandError (64, 78) for what is no identity, or another board's, or while the configuration is wrong
 */
export function planIdentities(wanted: ReadonlyMap<string, Identities | undefined>, config = CONFIG): Plan {
  const old = texts(config);
  const { boards } = parsed(old);
  const conflicts: string[] = [];
  const edits = new Map<string, string | undefined>();
  for (const [name, identities] of wanted) {
    const file = path.join(boardsDirectory(config), `${name}.conf`);
    const board = boards.find((each) => each.name === name);
    const lines = identities ? linesOf(identities) : [];
    if (board === undefined ? lines.length === 0 : identities && known(board) === wantedOf(identities))
      continue;
    const text = old.find((each) => each.file === file)?.content;
    const why = conflict(name, file, text, board);
    if (why !== undefined) conflicts.push(why);
    else
      edits.set(file, lines.length > 0 ? writtenFile(`[board ${name}]\n${lines.join('\n')}\n`) : undefined);
  }
  parsed(replaced(old, edits), (problem) => inWords(problem, edits));
  const before = (file: string) => old.find((each) => each.file === file)?.content;
  const changes = [...edits].map(([file, after]) => hostFileChange(file, { before: before(file), after }));
  return { changes, conflicts, notes: [] };
}
