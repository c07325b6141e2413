/** Boards that are switched off after their last session, with a real systemd, logind, sudo and sshd. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { STOP_MS } from '../support/container.ts';
import type { Session } from '../support/ssh-session.ts';
import { BOOT_MS, bootMachine, type Machine } from '../support/systemd.ts';

const CONFIG = `on_cmd='echo on >>~/power'
off_cmd='echo off >>~/power'
reset_cmd='echo reset >>~/power'
console_cmd=cat
`;
const UNIT = 'novaboot-delayed-power-off.service';
const TIMER = 'novaboot-power-off@board.timer';
const POWER = 'novaboot-power@board.service';
const IDLE = 'novaboot-power-off@board.service';

// Each session starts a user manager.
vi.setConfig({ testTimeout: 90_000 });

let machine: Machine;

beforeAll(async () => {
  machine = await bootMachine();
  await prepare();
}, BOOT_MS);
afterAll(() => machine?.stop(), STOP_MS);

/** What a reboot takes away. */
async function prepare(): Promise<void> {
  await machine.root(`mkdir -p /run/systemd/logind.conf.d
    printf '[Login]\\nUserStopDelaySec=1\\n' >/run/systemd/logind.conf.d/soon.conf
    systemctl restart systemd-logind`);
  await setDelay('10min');
}

/** As `systemctl edit` does it. */
async function setDelay(delay: string): Promise<void> {
  await machine.root(`mkdir -p /etc/systemd/system/${TIMER}.d
    printf '[Timer]\\nOnActiveSec=\\nOnActiveSec=${delay}\\nAccuracySec=1ms\\n' >/etc/systemd/system/${TIMER}.d/override.conf
    systemctl daemon-reload`);
}

async function configure(account: 'board' | 'other', text: string): Promise<void> {
  await machine.root(`cat >/home/${account}/.novaboot-shell <<'END'\n${text}END`);
}

/** Waits, in the machine, for a condition of its shell. @throws Error after 70 s */
const until = (condition: string) =>
  machine.root(`deadline=$(($(date +%s) + 70))
    until ${condition}; do [ $(date +%s) -lt $deadline ]; sleep 0.1; done`);

const untilSwitched = (...actions: readonly string[]) =>
  until(`[ "$(cat /home/board/power 2>/dev/null | xargs)" = '${actions.join(' ')}' ]`);

const switched = async () =>
  (await machine.root('cat /home/board/power 2>/dev/null || true')).split('\n').slice(0, -1);

const untilState = (unit: string, state: string) =>
  until(`[ "$(systemctl show --value -p ActiveState ${unit})" = ${state} ]`);

/** Also their user managers are gone. */
const untilNobody = () => until('[ -z "$(ls /run/systemd/users)" ]');

const state = async (unit: string) =>
  (await machine.root(`systemctl show --value -p ActiveState ${unit}`)).trimEnd();

/** What the unit has said since the test began. --sync: also what the journal has not read from its sockets yet. */
const said = (unit: string) =>
  machine.root(`journalctl --sync; journalctl -q -o cat -u ${unit} --since=@$(cat /run/test-start)`);

async function startConsole(account: 'board' | 'other' = 'board'): Promise<Session> {
  const session = machine.spawnSsh('alice', 'console', account);
  await session.waitForOutput(/^novaboot-shell: Connected/);
  return session;
}

/** A session that is over when this returns. */
async function endOf(session: Session): Promise<void> {
  session.end();
  await session.exited;
}

/** Enables the delayed power-off as an administrator does; the board is on then. @returns the session */
async function enable(): Promise<Session> {
  const session = await startConsole();
  await untilSwitched('on');
  const { stderr, exitCode } = await machine.board(`systemctl --user --quiet enable --now ${UNIT}`);
  expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
  return session;
}

async function lingering(is: boolean): Promise<void> {
  await machine.root(`loginctl ${is ? 'enable' : 'disable'}-linger board`);
}

beforeEach(async () => {
  for (const account of ['board', 'other'] as const) await configure(account, CONFIG);
  await machine.root('date +%s.%N >/run/test-start');
});

afterEach(async () => {
  await machine.root(`loginctl disable-linger board; for account in board other; do loginctl terminate-user $account 2>/dev/null || true; done
    pkill -KILL -u board,other || true
    rm -rf /home/board/.config /home/board/go`);
  await configure('board', CONFIG);
  await untilNobody();
  await machine.root(`systemctl stop ${TIMER} ${POWER} ${IDLE} novaboot-power@other.service
    systemctl reset-failed; rm -rf /home/board/power /home/board/.local /home/other/power`);
  await setDelay('10min');
});

describe('where it is not enabled', () => {
  test('nothing of it happens', async () => {
    await endOf(await startConsole());
    expect(await machine.ssh('bob', 'off')).toEqual({ stdout: '', stderr: '', exitCode: 0 });
    expect(await switched()).toEqual(['on', 'off']);
    await untilNobody();
    expect(await machine.root("systemctl list-units --all --no-legend 'novaboot-[ps]*'")).toBe('');
  });
});

describe.each([
  ['without lingering', false],
  ['with lingering', true],
])('%s', (_, lingers) => {
  beforeEach(() => lingering(lingers));

  test('the board is switched off after its last session, and no other one', async () => {
    const elsewhere = await startConsole('other');
    const session = await enable();
    const second = machine.spawnSsh('bob', 'console');
    await second.waitForOutput(/alice/);
    await setDelay('1s');
    await endOf(session);
    await untilSwitched('on', 'on');
    expect(await state(TIMER)).toBe('inactive');
    expect(await state(POWER)).toBe('active');
    await endOf(second);
    await untilSwitched('on', 'on', 'off');
    await untilState(IDLE, 'inactive');
    expect(await said(IDLE)).toContain('The board is off: nobody uses it\n');
    expect(await state(POWER)).toBe('inactive');
    await untilState(TIMER, 'inactive');
    await endOf(elsewhere);
    expect(await machine.root('cat /home/other/power')).toBe('on\n');
  });

  test('a session that begins stops the timer', async () => {
    await endOf(await enable());
    await untilState(TIMER, 'active');
    const session = await startConsole();
    await untilState(TIMER, 'inactive');
    await endOf(session);
    await untilState(TIMER, 'active');
    expect((await machine.ssh('bob', 'help')).exitCode).toBe(0);
    await until('! loginctl show-user -p State --value board 2>/dev/null | grep -q active');
    await untilState(TIMER, 'active');
    expect(await switched()).toEqual(['on', 'on']);
  });
});

test('a process that a session leaves behind is no session, although it keeps the user manager', async () => {
  await configure(
    'board',
    `${CONFIG}reset_cmd='setsid sleep 1000 </dev/null >/dev/null 2>&1 & echo reset >>~/power'\n`,
  );
  await endOf(await enable());
  expect((await machine.ssh('bob', 'reset')).exitCode).toBe(0);
  await setDelay('1s');
  await untilState(TIMER, 'active');
  await machine.root(`systemctl restart ${TIMER}`);
  await untilSwitched('on', 'reset', 'off');
  expect((await machine.root('loginctl show-user -p State --value board')).trimEnd()).toBe('closing');
});

/** What the account's login shell does, without a session. */
const bob = (command: string) =>
  machine.board(`SSH_ORIGINAL_COMMAND='${command}' /opt/novaboot-server/dist/novaboot-shell -c 'user bob'`);

/** The same without a session. */
async function enableBehindItsBack(): Promise<void> {
  const wants = '.config/systemd/user/default.target.wants';
  await machine.board(`mkdir -p ${wants}; ln -s /etc/systemd/user/${UNIT} ${wants}`);
}

/** The board is on, and nobody there. */
async function switchedOn(): Promise<void> {
  await enableBehindItsBack();
  expect(await bob('on')).toEqual({ stdout: '', stderr: '', exitCode: 0 });
  expect(await switched()).toEqual(['on']);
}

describe('when the time is over', () => {
  const lookAgain = async () => {
    await untilState(IDLE, 'inactive');
    expect(await state(TIMER)).toBe('active');
    expect(await switched()).toEqual(['on']);
  };
  const timeIsOver = () => machine.root(`systemctl stop ${TIMER}; systemctl start ${IDLE}`);
  beforeEach(switchedOn);

  test('a kept board stays on, until that is over', async () => {
    expect((await bob('keep 3600')).exitCode).toBe(0);
    await timeIsOver();
    expect(await said(IDLE)).toMatch(/^The board stays as it is: kept until 20\S+Z$/m);
    await lookAgain();
    expect((await bob('keep 0')).exitCode).toBe(0);
    await timeIsOver();
    expect(await switched()).toEqual(['on', 'off']);
  });

  test('a board whose lock is held stays on', async () => {
    const holder = machine.board('touch held; flock . sh -c "while [ -e held ]; do sleep 0.1; done"');
    await until('! flock -n /home/board true');
    await timeIsOver();
    expect(await said(IDLE)).toContain('The board stays as it is: in use\n');
    await lookAgain();
    await machine.board('rm held');
    await holder;
    await timeIsOver();
    expect(await switched()).toEqual(['on', 'off']);
  });

  test('a board whose account is in a session stays on, also without the lock', async () => {
    const session = machine.spawnSsh('bob', 'console-log -f');
    await until(`[ "$(loginctl show-user -p State --value board)" = active ]`);
    await timeIsOver();
    expect(await said(IDLE)).toContain('The board stays as it is: in a session\n');
    expect(await switched()).toEqual(['on']);
    session.kill('SIGKILL');
    await session.exited;
    await untilState(TIMER, 'active');
  });

  test('a board that is off is left alone', async () => {
    expect((await bob('off')).exitCode).toBe(0);
    await timeIsOver();
    expect(await said(IDLE)).toContain('The board stays as it is: off already\n');
    expect(await switched()).toEqual(['on', 'off']);
  });

  test('who comes while it is switched off waits, and has it switched on again', async () => {
    await configure(
      'board',
      `${CONFIG}off_cmd='until [ -e ~/go ]; do sleep 0.1; done; echo off >>~/power'\n`,
    );
    await machine.root(`systemctl --no-block start ${IDLE}`);
    await untilState(POWER, 'deactivating');
    const session = machine.spawnSsh('bob', 'console');
    await session.waitForOutput(/^Target is occupied by:\n.*\n\d+ +power-off +20\S+ +localhost\n/);
    expect(await switched()).toEqual(['on']);
    await machine.board('touch go');
    await session.waitForOutput(/^novaboot-shell: Connected/m);
    await untilSwitched('on', 'off', 'on');
    expect(await state(POWER)).toBe('active');
    await endOf(session);
  });

  test('what fails is said, and tried again', async () => {
    await configure('board', `${CONFIG}off_cmd='echo no relay >&2; exit 3'\n`);
    await expect(timeIsOver()).rejects.toThrow();
    expect(await said(IDLE)).toMatch(/^novaboot-shell: off: no relay$/m);
    expect(await state(IDLE)).toBe('failed');
    expect(await state(TIMER)).toBe('active');
  });
});

describe('on and off through systemd', () => {
  const failing = `on_cmd='echo >&2 no plug; exit 4'\noff_cmd='echo >&2 no relay; exit 3'\n`;
  beforeEach(() => enableBehindItsBack());

  test('each is obeyed, whatever the state of the unit', async () => {
    for (const command of ['on', 'on', 'off', 'off', 'reset']) {
      expect(await bob(command)).toEqual({ stdout: '', stderr: '', exitCode: 0 });
    }
    expect(await switched()).toEqual(['on', 'on', 'off', 'off', 'reset']);
    expect(await state(POWER)).toBe('inactive');
  });

  test('a command that fails tells why, with its own status', async () => {
    await configure('board', failing);
    const on = { stdout: '', stderr: 'novaboot-shell: on: no plug\n', exitCode: 4 };
    expect(await bob('on')).toEqual(on);
    await configure('board', CONFIG);
    expect((await bob('on')).exitCode).toBe(0);
    await configure('board', failing);
    expect(await bob('on')).toEqual(on);
    expect(await state(POWER)).toBe('active');
    const off = { stdout: '', stderr: 'novaboot-shell: off: no relay\n', exitCode: 3 };
    expect(await bob('off')).toEqual(off);
    expect(await state(POWER)).toBe('failed');
    expect(await bob('off')).toEqual(off);
  });

  test('sudo gives the account nothing but this', async () => {
    const power = '/opt/novaboot-server/dist/novaboot-power';
    const refused = ['sessions 0', 'idle-off', 'on on', '', '-- on'].map(
      (words) => `sudo -n ${power} ${words}`,
    );
    refused.push(
      `sudo -n NODE_OPTIONS=--version ${power} on`,
      `sudo -n -u other ${power} on`,
      'sudo -n true',
    );
    for (const command of refused) {
      const { stdout, exitCode } = await machine.board(command);
      expect({ command, stdout, exitCode }).toEqual({ command, stdout: '', exitCode: 1 });
    }
    const environment = 'SUDO_USER=other SUDO_UID=0 NODE_OPTIONS=--version HOME=/home/other PATH=/home/board';
    expect(await machine.board(`env ${environment} /usr/bin/sudo -n ${power} delayed-off`)).toEqual({
      stdout: '',
      stderr: '',
      exitCode: 0,
    });
    expect(await state(TIMER)).toBe('active');
    expect(await state('novaboot-power-off@other.timer')).toBe('inactive');
    expect(
      await machine.root(`setpriv --reuid=969 --clear-groups sudo -n ${power} on 2>&1 || echo $?`),
    ).toMatch(/\n1\n$/);
    for (const account of ['root', 'novaboot-tftpd', '../board', '-board', '']) {
      const variables = `'SUDO_USER=${account}' SUDO_UID=$(id -u novaboot-tftpd)`;
      expect(await machine.root(`env ${variables} ${power} on 2>&1 || echo $?`)).toMatch(
        /^novaboot-shell: [^\n]+\n77\n$/,
      );
    }
  });
});

test('another target of the host switches nothing, and stops no timer', async () => {
  await lingering(true);
  await endOf(await enable());
  expect((await bob('on')).exitCode).toBe(0);
  await untilState(TIMER, 'active');
  await machine.root('systemctl isolate multi-user.target');
  expect(await state(POWER)).toBe('active');
  expect(await state(TIMER)).toBe('active');
  expect((await machine.root("systemctl is-active 'novaboot-sessions@*.path'")).trimEnd()).toBe('active');
  expect(await switched()).toEqual(['on', 'on']);
});

test('a reboot of the host waits for no board, and switches none', { timeout: 180_000 }, async () => {
  await lingering(true);
  const session = await enable();
  await machine.root(`systemctl start ${POWER}`);
  const begin = Date.now();
  await machine.reboot();
  // Less than systemd's patience with a unit that does not end.
  expect(Date.now() - begin).toBeLessThan(85_000);
  await session.exited;
  await prepare();
  // Who lingers has no session then, so the time begins.
  await untilState(TIMER, 'active');
  expect(await switched()).toEqual(['on', 'on']);
  expect(await state(POWER)).toBe('inactive');
  expect((await bob('off')).exitCode).toBe(0);
  expect(await switched()).toEqual(['on', 'on', 'off']);
});
