/**
 * ~/.ssh/authorized_keys as pure functions over the file's bytes (sshd(8), AUTHORIZED_KEYS FILE FORMAT).
 * Every line that is not ours is kept byte for byte.
 */
import { CommandError, ExitCode } from './errors.ts';
import { KNOWN_USER_NAME, USER_NAME } from './request.ts';

/** An option in front of a key, as in `restrict` or `command="user alice"`. */
export interface KeyOption {
  /** Lower case: sshd does not distinguish. */
  readonly name: string;
  /** Without its quotes. */
  readonly value?: string;
}

/** A line of the file. Comments, empty lines and lines we do not understand have `raw` only. */
export interface AuthorizedLine {
  /** The bytes of the line with its newline, if it has one. */
  readonly raw: Buffer;
  /** Present where the line holds a key. */
  readonly key?: PublicKey;
  /** Present where the options are well-formed; empty for a key without options. */
  readonly options?: readonly KeyOption[];
  /** From `command="user NAME [admin]"`. */
  readonly user?: string;
  readonly admin?: boolean;
}

/** A public key as it stands in a file: `TYPE BASE64 COMMENT`. */
export interface PublicKey {
  readonly type: string;
  /** The key in the wire encoding of RFC 4253 §6.6, as base64. */
  readonly blob: string;
  readonly comment: string;
}

/** A key that logs in as one of the board's users. */
export interface UserKey {
  readonly user: string;
  readonly admin: boolean;
  readonly key: PublicKey;
}

/** The fingerprint that `ssh-keygen -l` prints. */
export function fingerprint(key: Pick<PublicKey, 'blob'>): string {
  // Loaded when it is wanted: most who read such files list no keys.
  const { hash } = process.getBuiltinModule('node:crypto');
  const digest = hash('sha256', Buffer.from(key.blob, 'base64'), 'base64');
  return `SHA256:${digest.replace(/=+$/, '')}`;
}

/** The name of the key's type inside its blob; undefined where the text is not strictly base64 of a key. */
export function typeInBlob(base64: string): string | undefined {
  const blob = Buffer.from(base64, 'base64');
  if (blob.length < 4 || blob.toString('base64') !== base64) return undefined;
  const length = blob.readUInt32BE(0);
  return length <= 128 && length <= blob.length - 4 ? blob.toString('latin1', 4, 4 + length) : undefined;
}

/** @param text a line, or what is left of it behind the options, in latin1 */
function parseKeyFields(text: string): PublicKey | undefined {
  const [, type, blob, comment] = /^([^ \t]+)[ \t]+([^ \t]+)(?:[ \t]+(.*))?$/s.exec(text) ?? [];
  if (type === undefined || blob === undefined || typeInBlob(blob) !== type) return undefined;
  return {
    type,
    blob,
    comment: Buffer.from(comment ?? '', 'latin1')
      .toString()
      .trimEnd(),
  };
}

/** How long the options are: up to the first blank outside double quotes. */
function optionsLength(text: string): number {
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === '\\' && text[at + 1] === '"') at++;
    else if (char === '"') quoted = !quoted;
    else if (!quoted && (char === ' ' || char === '\t')) return at;
  }
  return text.length;
}

/** Undefined for options that are not a comma-separated list of NAME and NAME="VALUE". */
function parseOptions(text: string): readonly KeyOption[] | undefined {
  const options: KeyOption[] = [];
  const pattern = /([A-Za-z0-9-]+)(?:="((?:[^"\\]|\\.)*)")?(,|$)/sy;
  for (;;) {
    const [, name, value, separator] = pattern.exec(text) ?? [];
    if (name === undefined) return undefined;
    const unquoted = value?.replaceAll('\\"', '"');
    options.push({ name: name.toLowerCase(), ...(unquoted === undefined ? {} : { value: unquoted }) });
    if (separator !== ',') return options;
  }
}

function forcedUser(options: readonly KeyOption[]): { user: string; admin: boolean } | undefined {
  const [command, second] = options.filter(({ name }) => name === 'command');
  if (command?.value === undefined || second) return undefined;
  const [, user, admin] = /^[ \t]*user[ \t]+([^ \t]+)(?:[ \t]+(admin))?[ \t]*$/.exec(command.value) ?? [];
  return user !== undefined && KNOWN_USER_NAME.test(user) ? { user, admin: admin !== undefined } : undefined;
}

function parseLine(raw: Buffer): AuthorizedLine {
  const text = raw
    .toString('latin1')
    .replace(/^[ \t]+/, '')
    .replace(/\r?\n$/, '');
  if (text === '' || text.startsWith('#')) return { raw };
  const bare = parseKeyFields(text);
  if (bare) return { raw, key: bare, options: [] };
  const length = optionsLength(text);
  const key = parseKeyFields(text.slice(length).replace(/^[ \t]+/, ''));
  if (!key) return { raw };
  const options = parseOptions(text.slice(0, length));
  return options ? { raw, key, options, ...forcedUser(options) } : { raw, key };
}

/** The lines of a file; their `raw` joined is the file again. */
export function parseAuthorizedKeys(file: Buffer): readonly AuthorizedLine[] {
  const lines: AuthorizedLine[] = [];
  for (let start = 0; start < file.length; ) {
    const newline = file.indexOf(0x0a, start);
    const end = newline < 0 ? file.length : newline + 1;
    lines.push(parseLine(file.subarray(start, end)));
    start = end;
  }
  return lines;
}

/** The line for a user's key, with its newline. The login shell gets `-c "user NAME [admin]"`. */
export function formatUserKey({ user, admin, key }: UserKey): string {
  if (!USER_NAME.test(user)) {
    throw new CommandError(
      'a user name is 1 to 64 letters, digits, "_", "." or "-", not beginning with "." or "-"',
      ExitCode.usage,
    );
  }
  const line = `restrict,pty,command="user ${user}${admin ? ' admin' : ''}" ${key.type} ${key.blob} ${key.comment}`;
  return `${line.trimEnd()}\n`;
}

/** The keys of all users, in the order of the file. */
export function listUserKeys(file: Buffer): readonly UserKey[] {
  return parseAuthorizedKeys(file).flatMap(({ user, admin, key }) =>
    user !== undefined && key ? [{ user, admin: admin === true, key }] : [],
  );
}

/** Keys without a forced command of ours: whoever has one of them can claim any name. */
export function countUnnamedKeys(file: Buffer): number {
  return parseAuthorizedKeys(file).filter(({ user, key }) => key !== undefined && user === undefined).length;
}

/**
 * Adds a user's key. A key that is there already for the same user only gets its rights changed; one that belongs
 * to somebody else is refused, since sshd goes by the first line with a key.
 *
 * @returns the new bytes of the file, and whether they differ
 */
export function addUserKey(file: Buffer, entry: UserKey): { file: Buffer; changed: boolean } {
  const added = Buffer.from(formatUserKey(entry));
  const lines = parseAuthorizedKeys(file);
  const same = lines.filter(({ key }) => key?.blob === entry.key.blob);
  const foreign = same.find(({ user }) => user !== entry.user);
  if (foreign) {
    const owner = foreign.user === undefined ? 'an entry without a user' : `user ${foreign.user}`;
    throw new CommandError(`this key already belongs to ${owner}`);
  }
  if (same.length > 0 && same.every(({ admin }) => admin === entry.admin)) return { file, changed: false };
  const kept = lines.filter((line) => !same.includes(line)).map(({ raw }) => raw);
  const last = kept.at(-1);
  if (last && last.at(-1) !== 0x0a) kept.push(Buffer.from('\n'));
  return { file: Buffer.concat([...kept, added]), changed: true };
}

/** Removes every entry of a user. */
export function removeUserKeys(file: Buffer, user: string): { file: Buffer; removed: readonly UserKey[] } {
  const kept = parseAuthorizedKeys(file).filter((line) => line.user !== user);
  return {
    file: Buffer.concat(kept.map(({ raw }) => raw)),
    removed: listUserKeys(file).filter((entry) => entry.user === user),
  };
}
