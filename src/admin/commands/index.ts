/** All commands of novaboot-admin, in the order in which --help lists them. A command's file is read only when it runs. */
import type { AdminOption, AdminTable } from '../command.ts';

const DRY_RUN: AdminOption = { name: 'dry-run', summary: 'Only tell what would be changed' };
const KEY: AdminOption = {
  name: 'key',
  value: 'FILE',
  summary: 'The file of a public key, or - for standard input',
};
const ADMIN_ID: AdminOption = { name: 'admin-id', value: 'NAME', summary: 'Whose key that is (admin)' };
const HOME: AdminOption = { name: 'home', value: 'DIRECTORY', summary: 'The home directory (/home/NAME)' };
const UID: AdminOption = { name: 'uid', value: 'NUMBER', summary: "The account's uid" };
const GECOS: AdminOption = { name: 'gecos', value: 'TEXT', summary: "The account's description" };

export const adminCommands: AdminTable = [
  {
    name: 'add-board',
    parameters: 'BOARD',
    summary: 'Make the account of a board, and all that it needs; said again, complete it',
    options: [
      { ...KEY, summary: "The administrator's public key: a file, or - for standard input" },
      ADMIN_ID,
      { name: 'serial', value: 'DEVICE', summary: 'The console: a serial line, as in /dev/ttyUSB0,115200n8' },
      { name: 'console', value: 'SPEC', summary: 'Or another one, as in telnet:consoles.lab:2001' },
      { name: 'console-cmd', value: 'COMMAND', summary: 'Or what connects to it' },
      { name: 'power', value: 'SPEC', summary: 'What switches the power, as in usbrelay:LY03X_1' },
      { name: 'on-cmd', value: 'COMMAND', summary: 'Or what switches it on' },
      { name: 'off-cmd', value: 'COMMAND', summary: 'and off' },
      { name: 'reset-cmd', value: 'COMMAND', summary: 'What resets the board' },
      {
        name: 'target-config',
        value: 'OPTIONS',
        summary: 'What the novaboot client has to know, an option a line',
      },
      {
        name: 'address',
        value: 'ADDRESS',
        many: true,
        summary: 'Its address, by which the TFTP server knows it',
      },
      { name: 'mac', value: 'ADDRESS', many: true, summary: 'Its hardware address, likewise' },
      {
        name: 'serial-number',
        value: 'NUMBER',
        many: true,
        summary: 'Its serial number (Raspberry Pi), likewise',
      },
      {
        name: 'nfs',
        value: 'CLIENTS',
        many: true,
        summary: 'Root file systems by NFS, for these addresses or networks',
      },
      {
        name: 'server-addr',
        value: 'ADDRESS',
        summary: 'The address of this host as the board sees it, for NFS',
      },
      { name: 'power-off', summary: 'Switch the board off some time after its last session' },
      ...[HOME, UID, GECOS, DRY_RUN],
    ],
    load: async () => await import('./add-board.ts'),
  },
  {
    name: 'remove-board',
    parameters: 'BOARD',
    summary: 'Remove the account of a board; its files stay, for root alone',
    options: [
      { name: 'force', summary: 'Also while somebody uses it: end the sessions' },
      { name: 'purge', summary: 'Remove its home directory and boot files too' },
      DRY_RUN,
    ],
    load: async () => await import('./remove-board.ts'),
  },
  {
    name: 'list',
    summary: 'List the boards and their users',
    options: [{ name: 'json', summary: 'For programs' }],
    anyone: true,
    load: async () => await import('./list.ts'),
  },
  {
    name: 'add-user',
    parameters: 'BOARD NAME',
    summary: 'Let a user in, by a public key',
    options: [
      { ...KEY, required: true },
      { name: 'admin', summary: 'As an administrator of the board' },
      DRY_RUN,
    ],
    load: async () => await import('./add-user.ts'),
  },
  {
    name: 'remove-user',
    parameters: 'BOARD NAME',
    summary: 'Remove all keys of a user',
    options: [DRY_RUN],
    load: async () => await import('./remove-user.ts'),
  },
  {
    name: 'doctor',
    parameters: '[BOARD...]',
    summary: 'Tell what is wrong with the host and the boards, and what to do about it',
    options: [
      { name: 'json', summary: 'For programs' },
      { name: 'verbose', letter: 'v', summary: 'Also what is in order' },
    ],
    load: async () => await import('./doctor.ts'),
  },
  {
    name: 'apply',
    parameters: '[FILE]',
    summary: 'Make the boards what the lab file (/etc/novaboot/lab.yaml) says',
    options: [
      { name: 'prune', summary: 'Remove boards that are not in it; their files stay, for root alone' },
      DRY_RUN,
    ],
    load: async () => await import('./apply.ts'),
  },
  {
    name: 'import',
    parameters: 'BOARD',
    summary: 'Take over the account of a board from the original, or another installation',
    options: [DRY_RUN],
    load: async () => await import('./import.ts'),
  },
  {
    name: 'check',
    parameters: '[BOARD...]',
    summary: 'Tell what is wrong in the configuration of boards, TFTP server and lab file',
    load: async () => await import('./check.ts'),
  },
  {
    name: 'status',
    parameters: '[BOARD...]',
    summary: 'Show who has which board, power, NFS servers and disk usage',
    options: [
      { name: 'disk', summary: 'Measure what home directories and boot files take, which may take minutes' },
      { name: 'json', summary: 'For programs' },
    ],
    load: async () => await import('./status.ts'),
  },
  {
    name: 'metrics',
    summary: 'Write metrics in the text format of Prometheus',
    options: [
      {
        name: 'output',
        value: 'FILE',
        summary: 'Replace this file, for the textfile collector (-: show them)',
      },
    ],
    load: async () => await import('./metrics.ts'),
  },
  {
    name: 'adduser-novaboot',
    parameters: 'BOARD',
    summary: 'Make the account of a board, as adduser-novaboot of the original does',
    hidden: true,
    options: [
      { ...KEY, required: true },
      ...[ADMIN_ID, HOME, UID, GECOS],
      { name: 'firstuid', value: 'NUMBER', summary: 'The least uid to choose' },
      { name: 'lastuid', value: 'NUMBER', summary: 'The greatest uid to choose' },
      { name: 'ingroup', value: 'GROUP', summary: 'Another primary group than novaboot' },
      { name: 'gid', value: 'GROUP', summary: 'The same' },
    ],
    load: async () => await import('./adduser-novaboot.ts'),
  },
];
