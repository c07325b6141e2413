/**
 * Bundles each program of bin/ into dist/ and writes the wrappers that start them elsewhere: as the login shell, and
 * as units, which go to dist/units. Packages with native parts stay outside the bundles, in node_modules.
 */
import fs from 'node:fs';
import path from 'node:path';
import { build } from 'rolldown';
import { LOCALE_PREFIX } from '../src/shell/environment.ts';

const root = path.resolve(import.meta.dirname, '..');
const dist = path.join(root, 'dist');
const node = fs.realpathSync(path.join(root, 'node_modules/.bin/node'));
const programs = fs.readdirSync(path.join(root, 'bin')).filter((name) => name.endsWith('.ts'));

/** Variables that reach the login shell as they are; what the SSH client or a key's options add to them stays outside. */
const PASSED_ON = [
  ...['HOME', 'USER', 'LOGNAME', 'SHELL', 'TERM', 'XDG_RUNTIME_DIR', 'DBUS_SESSION_BUS_ADDRESS'],
  ...['SSH_CONNECTION', 'SSH_CLIENT', 'SSH_TTY'],
];
const ENVIRONMENT = [...PASSED_ON, 'SSH_ORIGINAL_COMMAND', 'NOVABOOT_SHELL_CONFIG'];

/** Locales, under another name: V8 crashes on some that are none (12 letters are enough). */
const LOCALE = [
  'LANG',
  'LC_ALL',
  'LC_COLLATE',
  'LC_CTYPE',
  'LC_MESSAGES',
  'LC_MONETARY',
  'LC_NUMERIC',
  'LC_TIME',
];

/** Node raises the limit of open files; this tells what it was. */
const FILE_LIMIT = 'NOVABOOT_NOFILE="$(ulimit -S -n)"';

/** What a program is started with by its wrapper. */
interface Start {
  readonly description: string;
  /** Variables that reach Node. */
  readonly environment: readonly string[];
  /** Variables that it gets under another name. */
  readonly renamed?: readonly string[];
  /** Further assignments, as words for sh. */
  readonly assignments?: readonly string[];
  /** Node's own. */
  readonly options?: readonly string[];
}

const SYSTEMD = ['NOTIFY_SOCKET', 'LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES'];

/** The programs that somebody else starts than we: sshd, systemd, or a user. */
const STARTS: Readonly<Record<string, Start>> = {
  'novaboot-shell': {
    description: 'The login shell of board accounts: nothing that a client can put into the environment',
    environment: ENVIRONMENT,
    renamed: LOCALE,
    assignments: [FILE_LIMIT],
  },
  'novaboot-nfsd': {
    description: "The NFS server: nothing in the environment but systemd's sockets",
    environment: ['HOME', ...SYSTEMD],
  },
  'novaboot-tftpd': {
    description: "The TFTP server: nothing in the environment but systemd's sockets and directory",
    environment: [...SYSTEMD, 'STATE_DIRECTORY', 'RUNTIME_DIRECTORY'],
  },
  'novaboot-demo': {
    description: 'The demo and its virtual board, also for board accounts: nothing in the environment',
    environment: ['PATH', 'HOME', 'TERM'],
  },
  'novaboot-console': {
    description: 'A console, run for ~/.novaboot-shell: nothing in the environment that a client set',
    environment: [...PASSED_ON, 'PATH', 'NB_USER', 'NOVABOOT_ID', 'NOVABOOT_PPID'],
    renamed: LOCALE,
    assignments: [FILE_LIMIT],
    // It lasts for hours and does little: the smallest heap, and no more threads than it needs.
    options: ['--max-semi-space-size=1', '--v8-pool-size=0', '--single-threaded'],
  },
  'novaboot-driver': {
    description: 'The power drivers, run for ~/.novaboot-shell: nothing in the environment that a client set',
    environment: ['PATH', 'HOME', 'XDG_RUNTIME_DIR'],
  },
  'novaboot-power': {
    description:
      'The delayed power-off, as root for board accounts: nothing in the environment that a user set',
    environment: ['HOME', 'USER', 'LOGNAME', 'SHELL', 'SUDO_USER', 'SUDO_UID'],
    // Those who wait while it has a board's lock see this.
    assignments: [FILE_LIMIT, 'NOVABOOT_ID="power-off $(/usr/bin/date +%F_%T) localhost"'],
  },
};

/** A word for /bin/sh. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function wrapper(
  name: string,
  { description, environment, renamed = [], options = [], ...start }: Start,
): string {
  const copies = [
    ...environment.map((variable) => [variable, variable]),
    ...renamed.map((variable) => [variable, `${LOCALE_PREFIX}${variable}`]),
  ];
  const passed = copies.map(([variable, copy]) => `\${${variable}+"${copy}=$${variable}"}`);
  const words = [...(start.assignments ?? []), ...passed].join(' ');
  const program = [node, ...options, path.join(dist, `${name}.js`)].map(quoted).join(' ');
  return `#!/bin/sh
# ${description} steers Node.
exec /usr/bin/env -i ${words} \\
  ${program} "$@"
`;
}

/** The unit files, for where this repository lies. Theirs is where the README has it. */
function writeUnits(directory: string): void {
  fs.cpSync(path.join(root, 'units'), directory, { recursive: true });
  for (const name of fs.readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    const file = path.join(directory, name);
    if (fs.statSync(file).isDirectory()) continue;
    fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replaceAll('/opt/novaboot-server/dist', dist));
  }
}

// Made beside the old one, so that a running installation is not without its programs meanwhile.
process.umask(0o022);
const fresh = `${dist}.new`;
const old = `${dist}.old`;
for (const directory of [fresh, old]) fs.rmSync(directory, { recursive: true, force: true });
// One by one: a chunk that two programs share would hold what either of them needs of a package.
for (const name of programs) {
  await build({
    input: { [path.basename(name, '.ts')]: path.join(root, 'bin', name) },
    platform: 'node',
    external: ['koffi', 'ssh2'],
    logLevel: 'warn',
    output: { dir: fresh, format: 'cjs', minify: true, chunkFileNames: 'chunk-[name]-[hash].js' },
  });
}
fs.writeFileSync(path.join(fresh, 'package.json'), '{ "type": "commonjs" }\n');
for (const [name, start] of Object.entries(STARTS)) {
  fs.writeFileSync(path.join(fresh, name), wrapper(name, start), { mode: 0o755 });
}
writeUnits(path.join(fresh, 'units'));
if (fs.existsSync(dist)) fs.renameSync(dist, old);
fs.renameSync(fresh, dist);
fs.rmSync(old, { recursive: true, force: true });
