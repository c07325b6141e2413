/** The configuration: which boards there are, where their trees are, and how their requests are recognized. */
import path from 'node:path';
import * as z from 'zod/mini';
import { addressNumber, splitClients } from '../system/client-list.ts';
import { Claims, checkTrees } from './config-conflicts.ts';
import { ConfigError } from './config-error.ts';
import { type ConfigText, readTexts } from './config-files.ts';
import { parseSections, type Report, type Section } from './config-sections.ts';

/** @param expected completes "expected …" */
const text = (expected: string, accepts: (value: string) => boolean) =>
  z.string().check(z.refine(accepts, { error: `expected ${expected}` }));

const once = <T extends z.ZodMiniType>(value: T) =>
  z.optional(
    z.pipe(
      z.array(value).check(z.maxLength(1, { error: 'expected once' })),
      z.transform(([first]) => first as z.infer<T>),
    ),
  );
const repeated = <T extends z.ZodMiniType>(value: T) => z._default(z.array(value), []);

const isSafePath = (name: string) => !/[\0-\x1f]/.test(name) && !name.split('/').includes('..');
const isAbsolutePath = (name: string) => /^\/[^/]|^\/$/.test(name) && isSafePath(name);
const absolute = text('an absolute path without ..', isAbsolutePath);

const DIRECTORY = '/srv/tftp';
const PUBLIC = 'public';

const topSchema = z.strictObject({
  directory: once(absolute),
  public: once(
    text('a path beneath the directory, or nothing', (name) => !name.startsWith('/') && isSafePath(name)),
  ),
  journal: once(
    text('an absolute path without .., or nothing', (name) => name === '' || isAbsolutePath(name)),
  ),
});

export const addresses = z.pipe(
  text('an IPv4 or IPv6 address, or several of them', (list) => {
    const words = splitClients(list);
    const isAddress = (word: string) => addressNumber(word) !== undefined && !word.includes('%');
    return words.length > 0 && words.every(isAddress);
  }),
  z.transform(splitClients),
);
export const serial = z.pipe(
  text('the 8 or 16 hexadecimal digits of the serial number of a Raspberry Pi', (value) =>
    /^(?:[0-9a-f]{8}){1,2}$/i.test(value),
  ),
  // It asks with the last 8.
  z.transform((value) => value.slice(-8).toLowerCase()),
);
export const mac = z.pipe(
  text('a hardware address as in dc:a6:32:01:02:03', (value) =>
    /^[0-9a-f]{2}([:-])[0-9a-f]{2}(\1[0-9a-f]{2}){4}$/i.test(value),
  ),
  z.transform((value) => value.replaceAll(':', '-').toLowerCase()),
);

const boardSchema = z.strictObject({
  address: repeated(addresses),
  serial: repeated(serial),
  mac: repeated(mac),
  tree: once(absolute),
  public: once(text('yes or no', (value) => value === 'yes' || value === 'no')),
});

export interface Board {
  readonly name: string;
  /** Numeric. */
  readonly addresses: readonly string[];
  /** What names it in front of a path besides its name: serials, and MACs as in `dc-a6-32-01-02-03`; lower case. */
  readonly prefixes: readonly string[];
  /** Absolute. */
  readonly tree: string;
  readonly isPublic: boolean;
  /** Where it stands. */
  readonly file: string;
}

export interface Config {
  /** Absolute. */
  readonly directory: string;
  /** What everybody may read: absolute, or undefined for nothing. */
  readonly public: string | undefined;
  /** Where the boards' journals are: absolute, or undefined for none. */
  readonly journal: string | undefined;
  readonly boards: readonly Board[];
}

/** Checks a section's settings. @returns undefined after a problem */
function check<T extends z.ZodMiniObject>(
  schema: T,
  section: Section,
  report: Report,
): z.infer<T> | undefined {
  const { settings } = section;
  const values: Record<string, string[]> = Object.create(null);
  for (const { key, value } of settings) {
    values[key] ??= [];
    values[key].push(value);
  }
  const result = schema.safeParse(values);
  if (result.success) return result.data;
  for (const issue of result.error.issues) {
    const keys = issue.code === 'unrecognized_keys' ? issue.keys : [String(issue.path[0])];
    const known = `unknown setting, known are ${Object.keys(schema.shape).join(', ')}`;
    for (const key of keys) {
      const same = settings.filter((setting) => setting.key === key);
      // What is wrong with all of them is told at the last one.
      const place = same[(issue.path[1] as number | undefined) ?? same.length - 1] ?? section;
      report(place, key, issue.code === 'unrecognized_keys' ? known : issue.message);
    }
  }
  return undefined;
}

function boardOf(
  name: string,
  { address, serial, mac, tree, public: isPublic }: z.infer<typeof boardSchema>,
  directory: string,
): Omit<Board, 'file'> {
  return {
    name,
    addresses: address.flat(),
    prefixes: [...serial, ...mac],
    tree: path.resolve(tree ?? path.join(directory, name)),
    isPublic: isPublic === 'yes',
  };
}

/** @param stateDirectory what the service manager has for us, if any */
function journalOf(setting: string | undefined, stateDirectory: string | undefined): string | undefined {
  const journal = setting ?? stateDirectory ?? '';
  return journal === '' ? undefined : path.resolve(journal);
}

/** What boards' files have above all boards would be lost on the way to those that come first. */
function checkNothingAbove({ settings }: Section, report: Report): void {
  for (const setting of settings) report(setting, setting.key, 'expected [board NAME] above it');
}

/**
 * @param texts the file with what counts for all boards, and those that have boards only
 * @param stateDirectory where journals are, unless the configuration says
 * @throws ConfigError with all problems
 */
export function parseConfig(texts: readonly [ConfigText, ...ConfigText[]], stateDirectory?: string): Config {
  const problems: string[] = [];
  const report: Report = ({ file, line }, key, problem) =>
    problems.push(`${file}:${line}: ${key}: ${problem}`);
  const [main, ...others] = texts;
  const [top, ...sections] = parseSections(main, report);
  for (const text of others) {
    const [above, ...more] = parseSections(text, report);
    checkNothingAbove(above, report);
    sections.push(...more);
  }
  const settings = check(topSchema, top, report);
  const directory = path.resolve(settings?.directory ?? DIRECTORY);
  const publicName = settings?.public ?? PUBLIC;
  const publicTree = publicName === '' ? undefined : path.resolve(directory, publicName);
  const claims = new Claims(report);
  const boards = sections.flatMap((section) => {
    const values = check(boardSchema, section, report);
    if (values === undefined) return [];
    claims.add(section, values);
    return [{ ...boardOf(section.board ?? '', values, directory), section }];
  });
  checkTrees(boards, publicTree, report);
  const journal = journalOf(settings?.journal, stateDirectory);
  if (problems.length > 0) throw new ConfigError(problems);
  return {
    directory,
    public: publicTree,
    journal,
    boards: boards.map(({ section: { file }, ...board }) => ({ ...board, file })),
  };
}

/** @throws ConfigError */
export function readConfig(file: string): Config {
  // systemd.exec(5): several of them have colons in between.
  return parseConfig(readTexts(file), process.env.STATE_DIRECTORY?.split(':')[0]);
}
