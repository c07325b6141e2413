/**
 * What a client may ask of `rsync --server`: an allow-list of every option by name, as the rsync project's rrsync
 * has one. What clients send is what the function server_options() of rsync's options.c makes; the rest is refused.
 */
import { CommandError, ExitCode } from './errors.ts';
import { printable } from './text.ts';

/** The options that one kind of tree allows. */
export interface RsyncProfile {
  /** Letters without a value. */
  readonly flags: string;
  /** Letters that take the rest of their word as the value. */
  readonly shortValues: ReadonlyMap<string, RegExp>;
  /** Names without the two dashes; undefined for those without a value. */
  readonly long: ReadonlyMap<string, RegExp | undefined>;
}

export interface RsyncRequest {
  /** The client downloads. */
  readonly sender: boolean;
  /** In the order given, without --server and --sender. */
  readonly options: readonly string[];
  /** The same options one by one: letters, and names without dashes. */
  readonly names: ReadonlySet<string>;
  /** One destination of an upload, or the sources of a download: relative, without `..`. */
  readonly paths: readonly string[];
}

const INTEGER = /^-?\d{1,10}$/;
const COUNT = /^\d{1,10}$/;
// Newer clients send bytes, older ones what their user typed: 1.5m, 10KiB, 2g-1.
const SIZE = /^\d{1,18}(?:\.\d{1,6})?[A-Za-z]{0,3}(?:[+-]1)?$/;
const ALGORITHMS = /^[a-z0-9]{1,16}(?:,[a-z0-9]{1,16})?$/;

/**
 * ~/tftproot. Not here, of what a client could send: K, L, k, --copy-unsafe-links, --no-implied-dirs (follow links),
 * s and --files-from (paths that we would not see), --temp-dir, --partial-dir, --backup-dir, --compare-dest,
 * --copy-dest, --link-dest (more paths), --remove-source-files, --super, --usermap, --groupmap, --write-devices,
 * --copy-devices, --debug, --max-alloc, and A, X, H, --fake-super, which TFTP has no use for.
 */
export const TFTP_PROFILE: RsyncProfile = {
  flags: 'CDEIJORSUWbcdglmnopqrtuvxyz',
  shortValues: new Map([
    // Capabilities since protocol 30, before them the version where it is a pre-release: `.iLsfxCIvu`, `32.1iLs`.
    ['e', /^\d{0,3}\.\d{0,3}[A-Za-z]{0,24}$/],
    ['B', COUNT],
    ['@', INTEGER],
  ]),
  long: new Map<string, RegExp | undefined>([
    ['append', undefined],
    ['block-size', COUNT],
    ['bwlimit', COUNT],
    ['checksum-choice', ALGORITHMS],
    ['checksum-seed', INTEGER],
    ['compress-choice', ALGORITHMS],
    ['compress-level', INTEGER],
    ['delay-updates', undefined],
    ['delete', undefined],
    ['delete-after', undefined],
    ['delete-before', undefined],
    ['delete-delay', undefined],
    ['delete-during', undefined],
    ['delete-excluded', undefined],
    ['delete-missing-args', undefined],
    ['existing', undefined],
    ['force', undefined],
    ['fsync', undefined],
    // A character set is a file's name for iconv_open(3): no slash.
    ['iconv', /^[A-Za-z0-9_.:-]{1,32}$/],
    ['ignore-errors', undefined],
    ['ignore-existing', undefined],
    ['ignore-missing-args', undefined],
    ['info', /^[A-Z]{2,12}\d{0,2}(?:,[A-Z]{2,12}\d{0,2}){0,15}$/],
    ['inplace', undefined],
    ['list-only', undefined],
    ['log-format', /^(?:X|%o|%i|%i%I)$/],
    ['max-delete', INTEGER],
    ['max-size', SIZE],
    ['min-size', SIZE],
    ['mkpath', undefined],
    ['modify-window', INTEGER],
    ['msgs2stderr', undefined],
    ['new-compress', undefined],
    ['no-W', undefined],
    ['no-msgs2stderr', undefined],
    ['no-r', undefined],
    ['no-specials', undefined],
    ['numeric-ids', undefined],
    ['old-compress', undefined],
    ['only-write-batch', /^X$/],
    ['open-noatime', undefined],
    ['partial', undefined],
    ['preallocate', undefined],
    ['safe-links', undefined],
    ['size-only', undefined],
    ['skip-compress', /^[A-Za-z0-9/.+-]{0,512}$/],
    ['specials', undefined],
    ['stats', undefined],
    // Without a slash, so that a backup stays beside its file.
    ['suffix', /^[A-Za-z0-9._~+-]{1,32}$/],
    ['timeout', COUNT],
    ['use-qsort', undefined],
  ]),
};

const ID = '[A-Za-z0-9_.-]{1,32}';
/** `*:root`, `0-99:nobody,app:1000`; what follows the colon is looked up on the server. */
const ID_MAP = RegExp(`^(?:\\\\?\\*|${ID}):${ID}(?:,(?:\\\\?\\*|${ID}):${ID}){0,31}$`);

/**
 * ~/nfsroot/USER, by a receiver with --fake-super, which only notes down owners and special files. Not here, besides
 * what ~/tftproot has not either: --super, which would make it try for real.
 */
export const NFSROOT_PROFILE: RsyncProfile = {
  flags: `${TFTP_PROFILE.flags}AHX`,
  shortValues: TFTP_PROFILE.shortValues,
  long: new Map<string, RegExp | undefined>([
    ...TFTP_PROFILE.long,
    ['fake-super', undefined],
    ['groupmap', ID_MAP],
    ['usermap', ID_MAP],
  ]),
};

function refused(what: string): CommandError {
  return new CommandError(`rsync: ${printable(what.slice(0, 200))}`, ExitCode.notAllowed);
}

/** The options in one word such as `-vlogDtpre.iLsfxCIvu`. */
function shortNames(word: string, profile: RsyncProfile): string[] {
  const names: string[] = [];
  for (let index = 1; index < word.length; index += 1) {
    const letter = word.charAt(index);
    const values = profile.shortValues.get(letter);
    if (values === undefined && !profile.flags.includes(letter)) {
      throw refused(`option -${letter} is not allowed`);
    }
    names.push(letter);
    if (values === undefined) continue;
    const value = word.slice(index + 1);
    if (!values.test(value)) throw refused(`value of option -${letter} is not allowed: ${value}`);
    return names;
  }
  return names;
}

function longName(word: string, profile: RsyncProfile): string {
  const [, name = '', , value] = /^--([^=]*)(=(.*))?$/s.exec(word) ?? [];
  if (name === '' || !profile.long.has(name)) throw refused(`option --${name} is not allowed`);
  const values = profile.long.get(name);
  if (values === undefined && value !== undefined) throw refused(`option --${name} takes no value`);
  // A value in a word of its own could be taken for a path by us and for a value by rsync.
  if (values !== undefined && value === undefined) throw refused(`option --${name} needs =VALUE`);
  if (value !== undefined && !values?.test(value)) {
    throw refused(`value of option --${name} is not allowed: ${value}`);
  }
  return name;
}

function optionNames(word: string, profile: RsyncProfile): string[] {
  if (word.startsWith('--')) return [longName(word, profile)];
  if (word.startsWith('-') && word.length > 1) return shortNames(word, profile);
  throw refused(`an option is expected, not ${word}`);
}

/** Without the backslashes that newer clients put before what a shell would expand; no pattern allows others. */
function unescaped(option: string): string {
  return option.replaceAll('\\', '');
}

/** Newer clients put a backslash before every character that a shell would see, and their users expect globbing. */
const SPECIAL = /[\0-\x1f\x7f*?[\]{}\\\ufffd]/;
const MAX_PATH = 4095;

function checkPath(path: string): void {
  const shown = path.slice(0, 150);
  if (path === '') throw refused('an empty path is not allowed');
  if (Buffer.byteLength(path) > MAX_PATH) throw refused('the path is too long');
  if (SPECIAL.test(path)) {
    throw refused(`blanks, wildcards and special characters are not allowed in a path: ${shown}`);
  }
  if (path.startsWith('/')) throw refused(`only relative paths are allowed: ${shown}`);
  if (/^[-~]/.test(path)) throw refused(`a path cannot begin with ${path.charAt(0)}: ${shown}`);
  if (path.split('/').includes('..')) throw refused(`.. is not allowed in a path: ${shown}`);
}

/**
 * Takes `--server [--sender] [OPTION]... . PATH...` apart, which is the form that every client uses.
 *
 * @param words what follows `rsync`
 * @throws CommandError (77) for anything that the profile does not allow
 */
export function parseRsync(words: readonly string[], profile: RsyncProfile): RsyncRequest {
  if (words[0] !== '--server') {
    throw refused('is for uploads and downloads by a client only: rsync FILE... BOARD:');
  }
  const sender = words[1] === '--sender';
  const rest = words.slice(sender ? 2 : 1);
  const dot = rest.indexOf('.');
  const options = dot < 0 ? rest : rest.slice(0, dot);
  const names = new Set(options.flatMap((word) => optionNames(word, profile)));
  const paths = dot < 0 ? [] : rest.slice(dot + 1);
  if (paths.length === 0) throw refused('a path is missing');
  if (!sender && paths.length > 1) {
    throw refused('one destination is expected; blanks in its name are not supported');
  }
  for (const path of paths) checkPath(path);
  return { sender, options: options.map(unescaped), names, paths };
}
