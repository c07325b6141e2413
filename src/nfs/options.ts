/** The command line of novaboot-nfsd: one table gives values, types and --help. */
import path from 'node:path';
import { parseArgs } from 'node:util';
import * as z from 'zod/mini';
import packageJson from '../../package.json' with { type: 'json' };
import { parseSize, SIZE_EXPECTED } from '../rootfs/quota.ts';
import { parseClient, splitClients } from '../system/client-list.ts';
import { ExitCode, StartError } from '../system/start-error.ts';

export const VERSION = `novaboot-nfsd ${packageJson.version}`;

interface Option {
  readonly schema: z.ZodMiniType;
  /** The placeholder of the value, for an option that has one. */
  readonly value?: string;
  readonly repeatable?: true;
  /** Completes "--NAME: expected …". */
  readonly expected?: string;
  readonly help: string;
}

const flag = z._default(z.boolean(), false);
const yesNo = z.pipe(
  z._default(z.enum(['yes', 'no']), 'no'),
  z.transform((word) => word === 'yes'),
);
const YES_NO = { value: 'yes|no', expected: 'yes or no' } as const;
const file = z.pipe(
  z.string().check(z.minLength(1)),
  z.transform((name) => path.resolve(name)),
);
const portFile = z.pipe(z.string().check(z.regex(/[^/]\.ports$/)), file);
const number = (most: number) =>
  z.pipe(z.pipe(z.string().check(z.regex(/^\d{1,9}$/)), z.transform(Number)), z.number().check(z.lte(most)));
const size = z.pipe(z.pipe(z.string(), z.transform(parseSize)), z.number());
const clients = z.pipe(
  z.pipe(
    z.array(z.string()),
    z.transform((lists) => lists.flatMap(splitClients)),
  ),
  z.array(z.string().check(z.refine((client) => parseClient(client) !== undefined))).check(z.minLength(1)),
);

const OPTIONS = {
  allow: {
    schema: clients,
    value: 'CLIENTS',
    repeatable: true,
    expected: 'addresses, networks or host names, separated by blanks or commas',
    help: `who may connect: addresses, networks (10.0.0.0/8, 10.0.0.0/255.0.0.0,
fd00::/8) and host names, separated by blanks or commas; required,
repeatable`,
  },
  base: {
    schema: z.optional(file),
    value: 'DIRECTORY',
    expected: 'a directory',
    help: 'the directory above EXPORT in which file handles stay valid\n(default: EXPORT)',
  },
  port: {
    schema: z._default(number(65535), 2049),
    value: 'PORT',
    expected: 'a number from 0 to 65535',
    help: 'TCP and UDP, IPv4 and IPv6; 0 is any free one (default: 2049)',
  },
  'port-file': {
    schema: z.optional(portFile),
    value: 'FILE.ports',
    expected: 'a file name that ends in .ports',
    help: `written when the port answers, removed at the end. Beside it:
FILE.lock, which one server only holds, FILE.status, which the server
writes when it gets SIGUSR1, FILE.mounts, who uses which root,
FILE.journal, what clients do when they boot, and FILE.pause: while
another process has its lock, changes are put off`,
  },
  user: {
    schema: z.optional(z.string().check(z.regex(/^\S{1,255}$/))),
    value: 'NAME',
    expected: 'a name without blanks',
    help: 'whose server it is, for --board',
  },
  board: {
    schema: z.optional(file),
    value: 'DIRECTORY',
    expected: 'a directory',
    help: `the home directory of the board's account: calls are put off while
another user than --user has the board`,
  },
  ownership: {
    schema: z._default(z.enum(['xattr', 'plain']), 'xattr'),
    value: 'STORE',
    expected: 'xattr or plain',
    help: `where owners, modes and types are kept: xattr, as rsync --fake-super
does, or plain, where all files are shown as root's (default: xattr)`,
  },
  secure: { schema: yesNo, ...YES_NO, help: 'refuse clients whose port is 1024 or above (default: no)' },
  sync: {
    schema: yesNo,
    ...YES_NO,
    help: 'new, changed and removed names reach the disk before the answer\n(default: no)',
  },
  quota: {
    schema: z._default(size, 0),
    value: 'SIZE',
    expected: SIZE_EXPECTED,
    help: `bytes (or K, M, G, T: powers of 1024) that the files in the base and
the saved roots may take on disk, and once more the replaced roots;
0 is no limit (default: 0)`,
  },
  'max-files': {
    schema: z._default(number(999_999_999), 0),
    value: 'N',
    expected: 'a number of files',
    help: 'the same for the number of files (default: 0)',
  },
  idle: {
    schema: z._default(number(999_999_999), 600),
    value: 'SECONDS',
    expected: 'a number of seconds',
    help: `if started by a socket unit, end after that long without a connection
and a call; 0 is never (default: 600)`,
  },
  foreground: {
    schema: flag,
    help: `stay in the foreground and log to stderr; otherwise return when the
port answers, and leave the server running`,
  },
  log: {
    schema: z.optional(file),
    value: 'FILE',
    expected: 'a file',
    help: 'where the server that is left running logs (default: nowhere)',
  },
  help: { schema: flag, help: 'this text' },
  version: { schema: flag, help: 'the version' },
} satisfies Record<string, Option>;

type Name = keyof typeof OPTIONS;
type Values = { [Each in Name]: z.infer<(typeof OPTIONS)[Each]['schema']> };

const NAMES = Object.keys(OPTIONS) as Name[];
const option = (name: Name): Option => OPTIONS[name];

export interface Options extends Omit<Values, 'help' | 'version' | 'base' | 'port-file'> {
  /** Absolute paths. */
  readonly exportPath: string;
  readonly base: string;
  readonly portFile: string | undefined;
}

const HELP_COLUMN = 26;

export function usage(): string {
  const rows = NAMES.map((name) => {
    const { value, help } = option(name);
    const left = `  --${name}${value === undefined ? '' : ` ${value}`}`;
    return left.padEnd(HELP_COLUMN) + help.replaceAll('\n', `\n${' '.repeat(HELP_COLUMN)}`);
  });
  return `usage: novaboot-nfsd [OPTION]... --allow CLIENTS EXPORT

Serves the directory EXPORT (an absolute path) by NFS version 3, without root rights.

${rows.join('\n')}

Exit status: 0 ended by a signal or idle, 1 failed, 64 wrong usage, 70 a bug,
75 already running, 78 the directory cannot be served.
`;
}

function parseWords(args: readonly string[]): { values: Record<string, unknown>; positionals: string[] } {
  const options = NAMES.map((name) => {
    const { value, repeatable = false } = option(name);
    return [name, { type: value === undefined ? 'boolean' : 'string', multiple: repeatable }] as const;
  });
  try {
    return parseArgs({ args: [...args], options: Object.fromEntries(options), allowPositionals: true });
  } catch (error) {
    // Node adds a sentence on how to write positional arguments.
    const [message = ''] = (error as Error).message.split(/\. |\n/);
    throw new StartError(`${message} (see --help)`, ExitCode.usage, { cause: error });
  }
}

function parseValues(words: Record<string, unknown>): Values {
  const values = NAMES.map((name) => {
    const result = z.safeParse(option(name).schema, words[name]);
    if (result.success) return [name, result.data];
    throw new StartError(`--${name}: expected ${option(name).expected} (see --help)`, ExitCode.usage);
  });
  return Object.fromEntries(values);
}

/**
 * @returns options, or the text that --help or --version prints
 * @throws StartError (64)
 */
export function parseOptions(args: readonly string[]): Options | string {
  const { values: words, positionals } = parseWords(args);
  if (words.help) return usage();
  if (words.version) return `${VERSION}\n`;
  const [exported, ...rest] = positionals;
  if (!exported?.startsWith('/') || rest.length > 0) {
    throw new StartError('expected the absolute path of one directory (see --help)', ExitCode.usage);
  }
  const { help: _help, version: _version, base, 'port-file': ports, ...others } = parseValues(words);
  if (others.board !== undefined && others.user === undefined) {
    throw new StartError('--board needs --user (see --help)', ExitCode.usage);
  }
  const exportPath = path.resolve(exported);
  return { ...others, exportPath, base: base ?? exportPath, portFile: ports };
}
