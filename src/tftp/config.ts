/** The configuration: which boards there are, where their trees are, and how their requests are recognized. */
import path from 'node:path';
import * as z from 'zod/mini';
import { addressNumber, splitClients } from '../system/client-list.ts';
import { type Claimant, claimsOf, settle } from './config-conflicts.ts';
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
  /** What is wrong in the boards' files, as in ConfigError. It is not served; all else is. */
  readonly problems: readonly string[];
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

/** A board whose section is wrong has its tree all the same: no other one is to see it. */
function wrongBoard(section: Section, directory: string): Claimant {
  const { board: name = '', settings } = section;
  const tree = settings.findLast(({ key }) => key === 'tree')?.value;
  return {
    ...{ name, addresses: [], prefixes: [], claims: [], section },
    tree: path.resolve(tree ?? path.join(directory, name)),
    isPublic: false,
    isWrong: true,
  };
}

function boardsOf(sections: readonly Section[], directory: string, report: Report): Claimant[] {
  return sections.map((section) => {
    const values = check(boardSchema, section, report);
    if (values === undefined) return wrongBoard(section, directory);
    const { address, serial, mac, tree, public: isPublic } = values;
    const { board: name = '' } = section;
    return {
      name,
      addresses: address.flat(),
      prefixes: [...serial, ...mac],
      tree: path.resolve(tree ?? path.join(directory, name)),
      isPublic: isPublic === 'yes',
      section,
      claims: claimsOf(section, values),
      isWrong: false,
    };
  });
}

/** @param stateDirectory what the service manager has for us, if any */
function journalOf(setting: string | undefined, stateDirectory: string | undefined): string | undefined {
  const journal = setting ?? stateDirectory ?? '';
  return journal === '' ? undefined : path.resolve(journal);
}

/** The boards of a file that has nothing else. After a problem all are wrong. */
function boardsOfFile(text: ConfigText, directory: string, report: Report): Claimant[] {
  let isRight = true;
  const note: Report = (...problem) => {
    isRight = false;
    report(...problem);
  };
  const [above, ...sections] = parseSections(text, note);
  // It would be lost on the way to what counts for all boards.
  for (const setting of above.settings) note(setting, setting.key, 'expected [board NAME] above it');
  const boards = boardsOf(sections, directory, note);
  return isRight ? boards : boards.map((board) => ({ ...board, isWrong: true }));
}

/**
 * What is wrong in the first file spoils all of it; in another one, only the boards of that file. What two boards cannot
 * have together neither has.
 *
 * @param texts the file with what counts for all boards, and those that have boards only
 * @param stateDirectory where journals are, unless the configuration says
 * @throws ConfigError with all problems, if the first file has one
 */
export function parseConfig(texts: readonly [ConfigText, ...ConfigText[]], stateDirectory?: string): Config {
  const problems: string[] = [];
  const report: Report = ({ file, line }, key, problem) =>
    problems.push(`${file}:${line}: ${key}: ${problem}`);
  const [main, ...others] = texts;
  const [top, ...sections] = parseSections(main, report);
  const settings = check(topSchema, top, report);
  const directory = path.resolve(settings?.directory ?? DIRECTORY);
  const publicName = settings?.public ?? PUBLIC;
  const wanted = publicName === '' ? undefined : path.resolve(directory, publicName);
  const own = boardsOf(sections, directory, report);
  let isRight = problems.length === 0;
  settle(own, wanted, () => {
    isRight = false;
  });
  const all = [...own, ...others.flatMap((text) => boardsOfFile(text, directory, report))];
  const { boards, publicTree } = settle(all, wanted, report);
  problems.push(...others.flatMap(({ unreadable }) => unreadable ?? []));
  if (!isRight) throw new ConfigError(problems);
  return {
    directory,
    public: publicTree,
    journal: journalOf(settings?.journal, stateDirectory),
    boards: boards.map(({ section, claims: _claims, isWrong: _isWrong, ...board }) => ({
      ...board,
      file: section.file,
    })),
    problems,
  };
}

/** @throws ConfigError */
export function readConfig(file: string): Config {
  // systemd.exec(5): several of them have colons in between.
  return parseConfig(readTexts(file), process.env.STATE_DIRECTORY?.split(':')[0]);
}
