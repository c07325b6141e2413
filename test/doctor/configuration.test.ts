/** What `check` and the doctor say of a board's files, in a home of its own, by the account itself. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import ssh2 from 'ssh2';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { checkBoardFiles } from '../../src/doctor/configuration/board-problems.ts';
import { problemLine } from '../../src/doctor/configuration/problem.ts';
import { readSettings } from '../../src/doctor/configuration/settings.ts';

let home: string;

beforeEach(() => {
  home = fs.mkdtempSync(path.join(os.tmpdir(), 'configuration-'));
  fs.mkdirSync(path.join(home, '.ssh'));
});

afterEach(() => fs.rmSync(home, { recursive: true }));

function publicKey(): string {
  return ssh2.utils.generateKeyPairSync('ed25519').public;
}

const KEY = publicKey();

async function check(files: Readonly<Record<string, string>>) {
  for (const [name, text] of Object.entries({ '.novaboot-shell': 'console_cmd=cat\n', ...files })) {
    fs.writeFileSync(path.join(home, name), text);
  }
  const configPath = path.join(home, '.novaboot-shell');
  const env = { PATH: '/usr/bin:/bin', HOME: home };
  const { settings, problems } = await checkBoardFiles({ home, configPath, env });
  return { settings, lines: problems.map((problem) => problemLine(problem).replaceAll(`${home}/`, '')) };
}

it('finds nothing wrong with the examples of the manual, and gives what they set', async () => {
  const { settings, lines } = await check({
    '.novaboot-shell': `# A comment
console=serial:/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A10LX5Z2-if00-port0,115200n8
power='http://plug.lab/cm?cmnd=Power1'
reset_delay=1.5
target_config="\\
--uboot=(uboot)
--uboot-addr=kernel=0x81000000
"
`,
    '.novaboot-nfs': 'allowed_clients=192.0.2.0/24\nquota=20G\n',
    '.ssh/authorized_keys': `# keys\n\nrestrict,pty,command="user alice admin" ${KEY} alice@lab\n`,
  });
  expect(lines).toEqual([]);
  expect(settings.get('power')).toBe('http://plug.lab/cm?cmnd=Power1');
  expect(settings.get('reset_delay')).toBe('1.5');
});

it('evaluates functions and expansions, without what the file prints or what errexit would make of it', async () => {
  const { settings, lines } = await check({
    '.novaboot-shell': `echo noise; echo more >&2
SERIAL=2
connect() { sterm "/dev/tty$SERIAL"; }
console_cmd="connect --verbose"
power="usbrelay:LY03X_$SERIAL"
IFS=_
`,
  });
  expect(lines).toEqual([]);
  expect(Object.fromEntries(settings)).toEqual({
    console_cmd: 'connect --verbose',
    power: 'usbrelay:LY03X_2',
  });
});

it.each([
  ['no console', 'console=serial:/dev/x,fast\n', /^\.novaboot-shell:1: console: fast is not a speed/],
  ['no power', '\npower=relay1\n', /^\.novaboot-shell:2: power: "relay1" is no kind of switch/],
  ['no delay', 'reset_delay=soon\n', /^\.novaboot-shell:1: reset_delay: expected a number of seconds/],
  ['neither yes nor no', 'console_log=on\n', /^\.novaboot-shell:1: console_log: expected yes or no$/],
  ['a command that is none', '\nreset_cmd="if"\n', /^\.novaboot-shell:2: reset_cmd: Syntax error: /],
  [
    'a typing error',
    'consol=tcp:a:1\n',
    /^\.novaboot-shell:1: warning: consol: no setting, and nothing uses/,
  ],
  ['an open quote', 'a=1\nconsole_cmd="x\n', /^\.novaboot-shell:\d: Syntax error: Unterminated quoted/],
  ['a word alone', 'a=1\nfoo-bar baz\n', /^\.novaboot-shell:2: foo-bar: not found$/],
  ['what is like a pattern', "echo '(a|aa)+((: b' >&2; exit 1\n", /^\.novaboot-shell: \(a\|aa\)\+\(\(: b$/],
  ['a failure', 'false\n', /^\.novaboot-shell: reading it ends with status 1$/],
])('finds %s', async (_, text, line) => {
  const { lines } = await check({ '.novaboot-shell': text });
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(line);
});

/** Looks as somebody who cannot start a shell. */
function withoutShell(text: string) {
  const configPath = path.join(home, '.novaboot-shell');
  fs.writeFileSync(configPath, text);
  const account = { enter: <T>(look: () => T) => look(), before: ['false'] };
  return readSettings({ home, configPath, env: { PATH: '/usr/bin:/bin' }, account });
}

it.each([
  `# Nothing\n`,
  `console=tcp:a:1\npower='http://plug.lab/cm?cmnd=Power1'\nreset_cmd=\n`,
  `console_cmd="sterm -d /dev/ttyUSB0"\nconsole_log=yes\ntarget_config="--a=\\\nb"\n`,
  `on_cmd='a-do --done in-for'\non_cmd=true\n`,
])('needs no shell for %j, and understands it as one does', async (text) => {
  const { values, searched, problems } = await withoutShell(text);
  expect(problems).toEqual([]);
  const { settings } = await check({ '.novaboot-shell': `${text}:\n` });
  expect(Object.fromEntries(values)).toEqual(Object.fromEntries(settings));
  expect(searched).toBe('/usr/bin:/bin');
});

it.each(['reset_cmd="if x"\n', "reset_cmd='a; b'\n", 'SERIAL=1\n', 'PATH=/opt/bin\n', ':\n'])(
  'leaves %j to a shell',
  async (text) => {
    const { problems } = await withoutShell(text);
    expect(problems[0]?.message).toBe('reading it ends with status 1');
  },
);

it('tells where commands are searched', async () => {
  const place = { home, configPath: path.join(home, '.novaboot-shell'), env: { PATH: '/usr/bin:/bin' } };
  fs.writeFileSync(place.configPath, 'PATH=/opt/lab/bin:$PATH\nconsole_cmd=cat\n');
  expect((await readSettings(place)).searched).toBe('/opt/lab/bin:/usr/bin:/bin');
});

it('does not let a file take what it likes', async () => {
  const limits = await check({
    '.novaboot-shell': 'console_cmd=cat\ntarget_config="$(ulimit -t)"\n',
  });
  expect(limits.settings.get('target_config')).toBe('5');
  const flood = await check({ '.novaboot-shell': 'head -c 5000000 /dev/zero\n' });
  expect(flood.lines).toEqual(['.novaboot-shell: reading it prints more than 4194304 bytes']);
  const { lines: many } = await check({ '.ssh/authorized_keys': 'x\n'.repeat(100_000) });
  expect(many).toHaveLength(21);
  expect(many.at(-1)).toBe('.ssh/authorized_keys: line 21 and those after it are not looked at');
});

it('does not let a file keep it', async () => {
  const { lines } = await check({ '.novaboot-shell': '(setsid sleep 60 &)\nsleep 1000\n' });
  expect(lines).toEqual(['.novaboot-shell: reading it does not end within 5 seconds']);
}, 20_000);

it('opens no FIFO, and tells what is in the place of a file', async () => {
  const { lines } = await check({});
  expect(lines).toEqual([]);
  const fifo = path.join(home, 'fifo');
  const { status } = (await import('node:child_process')).spawnSync('mkfifo', [fifo]);
  expect(status).toBe(0);
  fs.symlinkSync(fifo, path.join(home, '.ssh/authorized_keys'));
  fs.mkdirSync(path.join(home, '.novaboot-nfs'));
  const again = await check({});
  expect(again.lines).toEqual([
    '.novaboot-nfs: is not a regular file',
    '.ssh/authorized_keys: is not a regular file',
  ]);
  fs.rmSync(path.join(home, '.novaboot-shell'));
  fs.symlinkSync('/dev/zero', path.join(home, '.novaboot-shell'));
  const place = { home, configPath: path.join(home, '.novaboot-shell'), env: {} };
  expect((await checkBoardFiles(place)).problems[0]?.message).toBe('is not a regular file');
});

it.each([
  ['allowed_clients=everybody!\n', /^\.novaboot-nfs:1: allowed_clients: expected an address/],
  ['# nothing\n', /^\.novaboot-nfs: allowed_clients: is not set$/],
  ['allowed_clients=::1\nsync=maybe\n', /^\.novaboot-nfs:2: sync: expected yes or no$/],
])('knows what NFS needs: %j', async (text, line) => {
  expect((await check({ '.novaboot-nfs': text })).lines).toEqual([expect.stringMatching(line)]);
});

it('finds the lines of authorized_keys that sshd passes over, and those that mean something else', async () => {
  const { lines } = await check({
    '.ssh/authorized_keys': [
      `restrict,pty,command="user alice" ${KEY}`,
      'nonsense',
      `restict ${publicKey()}`,
      `command="user" ${publicKey()}`,
      `command="user a",command="user b" ${publicKey()}`,
      `restrict,pty,command="user bob" ${KEY} bob`,
      `ssh-rsa ${Buffer.from('\0\0\0\x07ssh-rsa\0\0\0\x01\x03', 'latin1').toString('base64')}`,
      '',
    ].join('\n'),
  });
  expect(lines).toEqual([
    '.ssh/authorized_keys:2: no public key: sshd passes over this line',
    '.ssh/authorized_keys:3: restict: no option of sshd, which passes over this line',
    expect.stringMatching(/^\.ssh\/authorized_keys:4: command: expected "user NAME"/),
    '.ssh/authorized_keys:5: command: sshd takes one, and passes over this line',
    '.ssh/authorized_keys:6: the key of line 1 once more: sshd goes by that line',
    '.ssh/authorized_keys:7: no valid public key: its user cannot log in',
  ]);
});
