/** ~/.novaboot-nfs as add-board and apply write it. */
import { CommandError, ExitCode } from '../shell/errors.ts';
import { parseNfsConfig } from '../shell/nfs-config.ts';
import { NFS_NAMES, type NfsName, type NfsSettings } from './desired.ts';
import { writtenFile } from './written-file.ts';

const EXPLANATIONS: Readonly<Record<NfsName, string>> = {
  allowed_clients: "Who may mount: the board's address, networks or host names, with blanks between them.",
  server_addr:
    "The address of this server as the board sees it. Without it, the one that the user's ssh has reached.",
  mount_options: 'Without these a Linux kernel that mounts its root reads and writes 4 KiB at a time.',
  quota: 'What each user may take on disk, such as 20G. Without it, only the disk is the limit.',
  max_files: 'How many files that may be, directories included.',
  secure: 'yes: refuse clients whose port is 1024 or above.',
  sync: 'yes: new, changed and removed names reach the disk before the answer.',
};

const DEFAULTS: Readonly<Partial<Record<NfsName, string>>> = {
  mount_options: 'rsize=1048576,wsize=1048576',
};

const EXAMPLES: Readonly<Partial<Record<NfsName, string>>> = {
  server_addr: '10.0.0.1',
  quota: '20G',
  max_files: '2000000',
  secure: 'yes',
  sync: 'yes',
};

function settingOf(settings: NfsSettings, name: NfsName): string | undefined {
  return settings[name] ?? DEFAULTS[name];
}

/** The settings alone. */
export function nfsLines(settings: NfsSettings): string {
  return NFS_NAMES.flatMap((name) => {
    const value = settingOf(settings, name);
    return value === undefined ? [] : [`${name}=${value}\n`];
  }).join('');
}

/** The whole file, each setting with its explanation. */
export function nfsFile(settings: NfsSettings): string {
  const parts = NFS_NAMES.map((name) => {
    const value = settingOf(settings, name);
    const line = value === undefined ? `#${name}=${EXAMPLES[name]}` : `${name}=${value}`;
    return `\n# ${EXPLANATIONS[name]}\n${line}\n`;
  });
  const top =
    '# NFS root file systems for the users of this board: see novaboot-shell.conf(5). Comments on lines of their own.\n';
  return writtenFile(top + parts.join(''));
}

/** @throws CommandError (78) for a value that the file cannot hold */
export function checkNfs(settings: NfsSettings): void {
  for (const [name, value] of Object.entries(settings)) {
    if (/[^\x20-\x7e]|["'`#\\]/.test(value))
      throw new CommandError(`${name}: only plain characters are allowed`, ExitCode.configuration);
  }
  parseNfsConfig('.novaboot-nfs', nfsLines(settings));
}
