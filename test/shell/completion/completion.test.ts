/** Completion in the shells themselves. */
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commands } from '../../../src/commands/index.ts';
import type { CommandTable } from '../../../src/shell/command.ts';
import { boardCompletion, programCompletion, type Shell } from '../../../src/shell/completion/shells.ts';
import { Terminal } from '../../demo/terminal.ts';
import { makeTools, type Tools } from '../../support/tools.ts';

const ADMIN_TABLE = [
  {
    name: 'add-user',
    parameters: 'BOARD NAME',
    summary: 'Let a user in',
    options: [
      { name: 'key', value: 'FILE', summary: "The user's key" },
      { name: 'admin', summary: 'May do all' },
      { name: 'secret', summary: 'For nobody', hidden: true },
    ],
  },
  { name: 'check', parameters: '[BOARD...]', summary: 'Look at boards' },
];

let home: string;
let tools: Tools;
let terminal: Terminal;

beforeAll(() => {
  home = fs.mkdtempSync(path.join(os.tmpdir(), 'completion-'));
  fs.mkdirSync(path.join(home, '.ssh'));
  fs.writeFileSync(path.join(home, '.ssh/config'), 'Host elsewhere\n');
  fs.writeFileSync(path.join(home, 'key.pub'), '');
  tools = makeTools();
  tools.add(
    'getent',
    `echo 'root:x:0:0::/root:/bin/bash'; echo 'lab1:x:1:1::/home/lab1:/usr/bin/novaboot-shell'
echo 'lab2:x:1:1::/home/lab2:/opt/x/novaboot-shell'`,
  );
});
afterAll(() => {
  tools?.remove();
  fs.rmSync(home, { recursive: true, force: true });
});

/** Scripts of two boards, the first one twice, as when a shell reads its configuration again; and of a program. */
function writeScripts(shell: Shell): string {
  const users = commands.filter(({ admin }) => !admin);
  const board = (name: string, table: CommandTable = users) => {
    const hosts = [
      { text: name, isStart: false },
      { text: `${name}@`, isStart: true },
    ];
    return boardCompletion(shell, { name, hosts }, table);
  };
  const program = path.join(home, shell === 'zsh' ? '_novaboot-admin' : `novaboot-admin.${shell}`);
  fs.writeFileSync(program, programCompletion(shell, 'novaboot-admin', ADMIN_TABLE));
  const scripts = [board('board'), board('rpi-4', commands), board('board')];
  fs.writeFileSync(path.join(home, `boards.${shell}`), scripts.join(''));
  return scripts.join('');
}

const SETUP = `ssh() { printf '<%s>\\n' "$*"; }
novaboot-admin() { printf '<%s>\\n' "$*"; }
cd ~; echo RE''ADY
`;

async function start(rc: string, ...command: [string, ...string[]]): Promise<void> {
  fs.writeFileSync(path.join(home, 'rc'), rc);
  terminal = new Terminal(command, home);
  terminal.type('. ~/rc\n');
  await terminal.seen('READY');
}

/** What a tab makes of a line. */
async function completed(line: string): Promise<string> {
  terminal.type(`${line}\t\n`);
  await terminal.seen('<');
  return await terminal.seen('>');
}

const UNIQUE = [
  ['ssh board roo', 'board root'],
  ['ssh board roo', 'board root'],
  ['ssh -p 22 -to User=p board root dow', '-p 22 -to User=p board root download'],
  ['ssh board -t root li', 'board -t root list'],
  ['ssh board@server.example.org nfs resta', 'board@server.example.org nfs restart'],
  ['ssh board root list --j', 'board root list --json'],
  ['ssh board console-log -f --si', 'board console-log -f --since'],
  ['ssh board reset --no', 'board reset --no-wait'],
  ['ssh board help unt', 'board help untar'],
  ['ssh board completion fi', 'board completion fish'],
  // Administrators' commands, where the key is one's.
  ['ssh rpi-4 add-', 'rpi-4 add-key'],
  ['ssh rpi-4 add-key bob adm', 'rpi-4 add-key bob admin'],
  ['ssh board add-', 'board add-'],
  // What was there before.
  ['ssh elsew', 'elsewhere'],
] as const;

const ADMIN = [
  ['novaboot-admin add', 'add-user'],
  ['novaboot-admin add-user lab1 bob --ad', 'add-user lab1 bob --admin'],
  ['novaboot-admin add-user lab1 bob --key ke', 'add-user lab1 bob --key key.pub'],
  ['novaboot-admin add-user lab1 bob --sec', 'add-user lab1 bob --sec'],
  ['novaboot-admin check lab1 roo', 'check lab1 roo'],
] as const;

const untypedBlank = (text: string) => text.replace(/ $/, '');

describe('bash', () => {
  beforeAll(async () => {
    writeScripts('bash');
    const rc = `PS1='$ '; bind 'set enable-bracketed-paste off'; bind 'set bell-style none'
. /usr/share/bash-completion/bash_completion
. ~/boards.bash; . ~/novaboot-admin.bash
${SETUP}`;
    await start(rc, 'bash', '--norc', '--noprofile', '-i');
  });
  afterAll(() => terminal.close());

  it.each([...UNIQUE, ...ADMIN])('%s', async (line, result) => {
    expect(untypedBlank(await completed(line))).toBe(result);
  });

  it('lists what there is', async () => {
    terminal.type('ssh board root re\t\t');
    await terminal.seen('remove');
    await terminal.seen('reset');
    await terminal.seen('restore');
    terminal.type('\x15novaboot-admin check \t\t\t');
    await terminal.seen('lab1  lab2');
    terminal.type('\x15');
  });

  it.each([
    ['board', 'ssh board ro', 'root'],
    ['board', 'ssh board root li', 'list'],
    ['board', 'ssh board frob', ''],
    ['board', 'ssh elsewhere x', ''],
    ['x@', 'ssh x@ roo', 'root'],
    ['fe80::1', 'ssh fe80::1 roo', 'root'],
    ['a.b@c', 'ssh a-b@c roo', ''],
  ])('in a shell with set -eu: host %s, %s', (name, line, word) => {
    const host = { text: name, isStart: false };
    fs.writeFileSync(
      path.join(home, 'strict.bash'),
      boardCompletion('bash', { name, hosts: [host] }, commands),
    );
    const script = `set -eu; shopt -s extglob; . ~/strict.bash; COMP_LINE=$1 COMP_POINT=\${#1}
_novaboot_ssh ssh "\${1##* }" x; echo "<\${COMPREPLY[*]-}>"`;
    const options = { env: { HOME: home, PATH: process.env.PATH }, encoding: 'utf8' } as const;
    const { stdout, stderr } = spawnSync('bash', ['-c', script, 'bash', line], options);
    expect({ stdout, stderr }).toEqual({ stdout: `<${word}>\n`, stderr: '' });
  });

  it('asks whatever completed ssh before', async () => {
    terminal.type(
      "complete -o nospace -W 'xyz-one xyz-two' ssh; unset _novaboot_ssh_spec; . ~/boards.bash\n",
    );
    expect(await completed('ssh xyz-o')).toBe('xyz-one');
    expect(await completed('ssh board roo')).toBe('board root');
    terminal.type(
      'other() { COMPREPLY=("called-$2"); }; complete -F other ssh; unset _novaboot_ssh_spec; . ~/boards.bash\n',
    );
    expect(await completed('ssh elsewhere a')).toBe('elsewhere called-a');
  });
});

describe('zsh', () => {
  beforeAll(async () => {
    writeScripts('zsh');
    const rc = `PS1='$ '; unsetopt beep zle_bracketed_paste 2>/dev/null; unset zle_bracketed_paste; LISTMAX=0
fpath=(~ $fpath); autoload -Uz compinit; compinit -u -D
. ~/boards.zsh
${SETUP}`;
    await start(rc, 'zsh', '-f', '-i');
  });
  afterAll(() => terminal.close());

  it.each([...UNIQUE, ...ADMIN])('%s', async (line, result) => {
    expect(untypedBlank(await completed(line))).toBe(result);
  });

  it('lists what there is, and what that does', async () => {
    terminal.type('ssh board root re\t');
    await terminal.seen('restore');
    await terminal.seen('NAME|@N');
    terminal.type('\x15novaboot-admin check \t\t');
    await terminal.seen('lab2');
    terminal.type('\x15');
  });

  it('says what it needs', () => {
    const options = { env: { HOME: home, PATH: process.env.PATH }, encoding: 'utf8' } as const;
    const { stderr, status } = spawnSync('zsh', ['-f', '-c', '. ~/boards.zsh; true'], options);
    expect(stderr).toContain('novaboot: completion of zsh is not loaded: autoload -Uz compinit; compinit\n');
    expect(status).toBe(0);
  });
});

describe('fish', () => {
  /** The first column of what fish offers, without the completions of a novaboot that the machine has installed. */
  function offered(line: string): string[] {
    writeScripts('fish');
    const script = `set fish_complete_path (string match -v '*/vendor_completions.d' $fish_complete_path)
source ~/boards.fish; source ~/novaboot-admin.fish; complete -C $argv[1]`;
    const env = { HOME: home, PATH: process.env.PATH, TERM: 'dumb' };
    const text = execFileSync('fish', ['-c', script, line], { env, cwd: home, encoding: 'utf8' });
    return text.split('\n').flatMap((row) => (row === '' ? [] : [row.split('\t')[0] ?? '']));
  }

  it.each([...UNIQUE, ...ADMIN])('%s', (line, result) => {
    const word = result.split(' ').at(-1) as string;
    // Where nothing begins so, fish offers what has these letters somewhere.
    const begun = offered(line).filter((name) => name.startsWith(line.split(' ').at(-1) as string));
    expect(begun).toEqual(line.endsWith(` ${word}`) ? [] : [word]);
  });

  it('lists what there is, and nothing of its own', () => {
    expect(offered('ssh board root re')).toEqual(['restore', 'remove', 'reset']);
    expect(offered('ssh board r')).toEqual(['reset', 'root']);
    expect(offered('novaboot-admin check ')).toEqual(['lab1', 'lab2']);
    expect(offered('ssh board -')).toContain('-t');
    expect(offered('ssh elsewhere ech')).toContain('echo');
  });
});
