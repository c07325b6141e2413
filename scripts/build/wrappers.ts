/** The wrappers that start our programs with an environment that steers neither Node nor what Node runs. */
import fs from 'node:fs';
import path from 'node:path';
import { LOCALE_PREFIX } from '../../src/shell/environment.ts';

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
  /** The program that the name stands for, and its first argument; else it is the program's own. */
  readonly program?: string;
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

const ADMIN: Start = {
  description: 'For root, who may come by sudo: nothing in the environment that a user set',
  environment: ['PATH', 'HOME', 'TERM', 'SUDO_USER', 'SUDO_UID'],
  renamed: LOCALE,
};

/** The programs that somebody else starts than we: sshd, systemd, or a user. */
const STARTS: Readonly<Record<string, Start>> = {
  'novaboot-shell': {
    description: 'The login shell of board accounts: nothing that a client can put into the environment',
    environment: ENVIRONMENT,
    renamed: LOCALE,
    assignments: [FILE_LIMIT],
    // Most commands end before they have used it up: the collector needs not run (2 ms of get-config's 40).
    options: ['--min-semi-space-size=4'],
  },
  'novaboot-nfsd': {
    description: "The NFS server: nothing in the environment but systemd's sockets",
    environment: ['HOME', ...SYSTEMD],
  },
  'novaboot-tftpd': {
    description: "The TFTP server: nothing in the environment but systemd's sockets and directories",
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
  'novaboot-admin': ADMIN,
  'adduser-novaboot': { ...ADMIN, program: 'novaboot-admin' },
};

/** How wrappers find Node and the programs. */
export interface Place {
  /** Lines of sh before the program starts. */
  readonly prepare?: string;
  /** Words for sh. */
  readonly node: string;
  /** The file NAME.js, as a word for sh. */
  program(name: string): string;
}

/** A word for /bin/sh. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** @param node an absolute path, as `directory` */
export function fixedPlace(node: string, directory: string): Place {
  return { node: quoted(node), program: (name) => quoted(path.join(directory, `${name}.js`)) };
}

function wrapper(name: string, place: Place, start: Start): string {
  const { description, environment, renamed = [], assignments = [], options = [] } = start;
  const copies = [
    ...environment.map((variable) => [variable, variable]),
    ...renamed.map((variable) => [variable, `${LOCALE_PREFIX}${variable}`]),
  ];
  const passed = copies.map(([variable, copy]) => `\${${variable}+"${copy}=$${variable}"}`);
  const words = [...assignments, ...passed].join(' ');
  const also = start.program === undefined ? [] : [name];
  const program = [place.node, ...options, place.program(start.program ?? name), ...also].join(' ');
  return `#!/bin/sh
# ${description} steers Node.
${place.prepare ?? ''}exec /usr/bin/env -i ${words} \\
  ${program} "$@"
`;
}

/** @param programs the ones that are there; those that only we start get none */
export function writeWrappers(directory: string, programs: readonly string[], place: Place): void {
  for (const [name, start] of Object.entries(STARTS)) {
    if (!programs.includes(start.program ?? name)) continue;
    fs.writeFileSync(path.join(directory, name), wrapper(name, place, start), { mode: 0o755 });
  }
}
