/** The real sshd says what is in force: its configuration file is ours. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { joined, sshdFindings, toldBy } from '../../../src/doctor/host/sshd.ts';
import { matchWords } from '../../../src/doctor/host/sshd-files.ts';
import { matches, parseSettings, RULES } from '../../../src/doctor/host/sshd-settings.ts';

const { username, uid } = os.userInfo();
const group = execFileSync('id', ['-gn'], { encoding: 'utf8' }).trim();
const EXAMPLE = fs.readFileSync(
  path.resolve(import.meta.dirname, '../../../docs/sshd-novaboot.conf.example'),
  'utf8',
);
/** What Debian has, and what no board can have of its own. */
const BASE = 'UsePAM yes\nAcceptEnv LANG LC_*\nSubsystem sftp /usr/lib/openssh/sftp-server\n';
/** For root it wants /run/sshd, which is there where it runs as a service. */
const NOBODY = uid === 0 ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--'] : [];
let directory = '';

beforeAll(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'sshd-'));
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path.join(directory, 'host')]);
  fs.chmodSync(directory, 0o755);
  fs.chmodSync(path.join(directory, 'host'), 0o644);
});
afterAll(() => fs.rmSync(directory, { recursive: true }));

function findings(config: string, client = '192.0.2.1') {
  const file = path.join(directory, 'config');
  fs.writeFileSync(file, config);
  const sshd = ['/usr/sbin/sshd', '-T', '-f', file, '-h', path.join(directory, 'host')];
  const argv = [...NOBODY, ...sshd, '-C', `user=${username},host=x,addr=${client}`];
  const text = execFileSync(argv[0] as string, argv.slice(1), { encoding: 'utf8' });
  return sshdFindings({ settings: parseSettings(text), name: 'b1', groups: [group] });
}

/** For all accounts. */
function closed(): string {
  return EXAMPLE.replace('Match Group novaboot', '');
}

it('is content with the example for boards', () => {
  const included = path.join(directory, 'novaboot.conf');
  fs.writeFileSync(included, EXAMPLE.replace('Match Group novaboot', `Match Group ${group}`));
  expect(findings(`Include ${included}\n${BASE}X11Forwarding yes\n`)).toEqual([]);
});

it('is not content with what sshd has without it, but does not find that nobody can work', () => {
  const found = findings(BASE);
  expect(found.map(({ what }) => what)).toEqual([
    'sshd forwards for boards: allowtcpforwarding, allowstreamlocalforwarding, allowagentforwarding',
    'sshd runs ~/.ssh/rc',
    'sshd does not notice clients that are gone',
  ]);
  expect(found.every(({ severity }) => severity === 'warning')).toBe(true);
});

const FAULTS: readonly [line: string, severity: string, what: RegExp][] = [
  ['Subsystem sftp internal-sftp -l INFO', 'error', /internal-sftp/],
  ['AcceptEnv *', 'error', /dangerous.*AcceptEnv \*$/],
  ['AcceptEnv LD_*', 'error', /dangerous.*LD_\*/],
  ['AcceptEnv ?ATH', 'error', /dangerous/],
  ['AcceptEnv EDITOR', 'warning', /AcceptEnv EDITOR$/],
  ['PermitUserEnvironment yes', 'error', /PermitUserEnvironment/],
  ['PermitUserEnvironment LANG,LC_*', 'error', /PermitUserEnvironment/],
  ['DisableForwarding no', 'warning', /forwards for boards: allowtcpforwarding/],
  [
    'DisableForwarding no\nAllowTcpForwarding no\nAllowAgentForwarding no\nPermitTunnel yes',
    'warning',
    /streamlocal.*permittunnel/,
  ],
  ['PermitUserRC yes', 'warning', /ssh\/rc/],
  ['ForceCommand /bin/true', 'error', /ForceCommand \/bin\/true/],
  ['ChrootDirectory /srv', 'error', /ChrootDirectory \/srv/],
  ['PubkeyAuthentication no\nAuthenticationMethods any', 'error', /takes no keys/],
  ['AuthenticationMethods publickey,password', 'error', /AuthenticationMethods publickey,password/],
  ['AuthorizedKeysFile /etc/keys/%u', 'error', /not read ~\/.ssh\/authorized_keys, but \/etc\/keys/],
  ['PermitTTY no', 'error', /terminals/],
  ['MaxSessions 1', 'error', /allows 1 sessions/],
  ['ClientAliveInterval 0', 'warning', /gone/],
  ['UsePAM no', 'warning', /UsePAM/],
  ['StrictModes no', 'warning', /StrictModes/],
  ['AuthorizedKeysCommand /usr/bin/true\nAuthorizedKeysCommandUser nobody', 'warning', /from elsewhere/],
  ['AllowUsers alice bob', 'error', /let the account in/],
  ['AllowUsers !b1 *', 'error', /let the account in/],
  ['AllowGroups wheel', 'error', /let the account in/],
  ['DenyUsers b?', 'error', /let the account in/],
  [`DenyGroups ${group}`, 'error', /let the account in/],
];

it.each(FAULTS)('%s', (lines, severity, what) => {
  // The first one counts, but for lists: AcceptEnv adds up.
  expect(findings(`${lines}\n${closed()}\n${lines.startsWith('Subsystem') ? 'UsePAM yes\n' : BASE}`)).toEqual(
    [expect.objectContaining({ severity, what: expect.stringMatching(what), subject: 'b1' })],
  );
});

it.each([
  'AllowUsers b1@10.0.0.* carol',
  'AllowUsers b*',
  'AllowGroups wheel *',
  'DenyUsers root',
  'MaxSessions 4',
  'AuthenticationMethods publickey password',
  'AuthorizedKeysFile /etc/keys/%u %h/.ssh/authorized_keys',
  'Subsystem sftp /usr/lib/openssh/sftp-server -l INFO',
])('is content with %s', (line) => {
  const others = closed().replace(line.split(' ')[0] as string, '#');
  expect(findings(`${line}\n${others}\n${line.startsWith('Subsystem') ? 'UsePAM yes\n' : BASE}`)).toEqual([]);
});

it('has a test for each rule', () => {
  const messages = FAULTS.map(([lines]) => findings(`${lines}\n${closed()}\nUsePAM yes\n`)[0]?.why);
  expect(RULES.filter(({ why }) => !messages.includes(why)).map(({ why }) => why)).toEqual([]);
});

it('understands patterns as sshd does', () => {
  expect(matches('b*', 'board')).toBe(true);
  expect(matches('b?', 'board')).toBe(false);
  expect(matches('b.1', 'bx1')).toBe(false);
});

it('tells what is allowed to a network only', () => {
  const shut = ['Tcp', 'StreamLocal', 'Agent'].map((kind) => `Allow${kind}Forwarding no\n`).join('');
  const config = closed().replace('DisableForwarding yes', '');
  // The first value counts: those of a network stand in front.
  const wider = `${BASE}Match Address 10.0.0.0/8\nAllowTcpForwarding yes\nMatch all\n${shut}${config}`;
  const [afar, near] = [findings(wider), findings(wider, '10.1.2.3')];
  expect(afar).toEqual([]);
  expect(near).toMatchObject([{ what: 'sshd forwards for boards: allowtcpforwarding' }]);
  expect(
    joined([
      [undefined, afar],
      ['10.1.2.4/8', near],
    ]).map(({ what }) => what),
  ).toEqual(['sshd forwards for boards: allowtcpforwarding (for clients of 10.1.2.4/8)']);
  expect(
    joined([
      [undefined, near],
      ['10.1.2.4/8', near],
    ]),
  ).toEqual(near);
});

it.each([
  ['', '', []],
  [
    'Match Group novaboot\n  PermitTTY yes\nMatch Address 10.0.0.0/8',
    '',
    ['Group', 'novaboot', 'Address', '10.0.0.0/8'],
  ],
  ['', 'Match Group a User b1', ['Group', 'a', 'User', 'b1']],
  ['', 'match=user b1', ['user', 'b1']],
  ['Match "User" b1', '# Match exec x', ['User', 'b1']],
  ['Include /etc/other', '', undefined],
  ['', 'include other', undefined],
  ['Include DIRECTORY/sshd_config.d/*.conf', 'Match exec /x', ['exec', '/x']],
])('%j and %j: Match has %j', (main, more, words) => {
  const etc = fs.mkdtempSync(path.join(directory, 'etc-'));
  fs.mkdirSync(path.join(etc, 'sshd_config.d'));
  fs.writeFileSync(path.join(etc, 'sshd_config'), `Port 22\n${main.replace('DIRECTORY', etc)}\n`);
  fs.writeFileSync(path.join(etc, 'sshd_config.d/lab.conf'), `${more}\n`);
  expect(matchWords(etc)).toEqual(words && new Set(words));
});

it.each<[string[] | undefined, boolean]>([
  [['Group', 'novaboot', 'Address', '10.0.0.0/8'], true],
  [['User', 'git,admin'], true],
  [['User', 'b*'], true],
  [['User', 'b1'], false],
  [['user', '!b1,*'], false],
  [['User', 'x,b?,!b2'], false],
  [['Exec', '/usr/local/bin/is-lab'], false],
  [undefined, false],
])('Match %j: b1 and b2 are the same to sshd: %s', (words, expected) => {
  const [b1, b2] = ['b1', 'b2'].map((name) => toldBy(name, words && new Set(words)));
  expect(b1 === b2).toBe(expected);
});

it('does not know what is in files that cannot be read', () => {
  expect(matchWords(path.join(directory, 'none'))).toBeUndefined();
});
