/** All commands, in the order in which `help` lists them. A command's file is read only when it runs. */
import type { CommandTable } from '../shell/command.ts';

export const commands: CommandTable = [
  {
    name: '',
    summary: 'Run default_cmd if it is configured, else console',
    locked: true,
    load: async () => (await import('./console.ts')).defaultCommand,
  },
  {
    name: 'console',
    summary: 'Connect to the console of the board; powers it on first',
    locked: true,
    load: async () => (await import('./console.ts')).consoleCommand,
  },
  {
    name: 'reset',
    summary: 'Reset the board',
    locked: true,
    load: async () => (await import('./power.ts')).reset,
  },
  {
    name: 'on',
    summary: 'Power the board on',
    locked: true,
    load: async () => (await import('./power.ts')).on,
  },
  {
    name: 'off',
    summary: 'Power the board off',
    locked: true,
    load: async () => (await import('./power.ts')).off,
  },
  {
    name: 'rsync',
    parameters: '...',
    summary: 'Boot files in and out, as rsync runs it: rsync FILE... BOARD:',
    locked: true,
    load: async () => (await import('./rsync.ts')).rsync,
  },
  {
    name: 'rsync-nfsroot',
    parameters: '...',
    summary: 'Root file systems in and out: rsync -aHAXS --rsync-path=rsync-nfsroot ...',
    locked: true,
    load: async () => (await import('./rsync-nfsroot.ts')).rsyncNfsroot,
  },
  {
    name: 'untar',
    parameters: '[-v] FILE|-',
    summary: 'Make your root file system anew from an archive: an uploaded FILE, or standard input',
    locked: true,
    load: async () => await import('./untar.ts'),
  },
  {
    name: 'get-config',
    summary: 'Print the options that the novaboot client needs for this board',
    load: async () => await import('./get-config.ts'),
  },
  {
    name: 'nfs',
    parameters: 'status|restart|stop',
    summary: 'Show, restart or stop your NFS server, which get-config starts',
    load: async () => await import('./nfs.ts'),
  },
  {
    name: 'root',
    parameters: 'COMMAND',
    summary: 'Your root file systems: list, save, restore, remove, diff, reset, download',
    load: async () => await import('./root.ts'),
  },
  {
    name: 'status',
    parameters: '[--json]',
    summary: 'Tell who has the board and who waits for it',
    load: async () => await import('./status.ts'),
  },
  {
    name: 'history',
    parameters: '[--json]',
    summary: 'Tell who had the board when',
    load: async () => await import('./history.ts'),
  },
  {
    name: 'help',
    summary: 'List the commands',
    load: async () => await import('./help.ts'),
  },
  {
    name: 'version',
    summary: 'Print the version of novaboot-shell',
    load: async () => await import('./version.ts'),
  },
  {
    name: 'add-key',
    parameters: 'NAME [admin]',
    summary: 'Let user NAME in with the public key on standard input',
    admin: true,
    load: async () => await import('./add-key.ts'),
  },
  {
    name: 'list-keys',
    parameters: '[--json]',
    summary: 'List the keys that are let in',
    admin: true,
    load: async () => await import('./list-keys.ts'),
  },
  {
    name: 'remove-key',
    parameters: 'NAME',
    summary: 'Remove the keys of user NAME',
    admin: true,
    load: async () => await import('./remove-key.ts'),
  },
  {
    name: 'shell',
    summary: 'Open a shell on the server (use with ssh -t)',
    admin: true,
    load: async () => await import('./shell.ts'),
  },
];
