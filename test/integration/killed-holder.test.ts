/** Killing the one process that sshd started frees the board at once, whatever its children do. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../support/ssh-session.ts';
import { type Lab, startLab } from '../support/sshd.ts';

let lab: Lab;

beforeAll(async () => {
  lab = await startLab();
});
afterEach(() => lab.clean());
afterAll(() => lab?.stop());

const CONSOLES = {
  'a program in place of the shell': "console_cmd='echo UP; exec cat'",
  'a background process': "console_cmd='echo UP; sleep 1000 & wait'",
  'a background subshell': "console_cmd='echo UP; (sleep 1000; echo later) & wait'",
  'a function': 'board() { echo UP; sleep 1000; }\nconsole_cmd=board',
  'a pipeline': "console_cmd='echo UP; sleep 1000 | cat'",
  'a child that ignores TERM and HUP': `console_cmd='(trap "" TERM HUP; echo UP; exec sleep 1000)'`,
  'a shell that ignores TERM and HUP': `console_cmd='trap "" TERM HUP; echo UP; sleep 1000; sleep 1000'`,
};
const STRAY = `console_cmd='setsid sh -c '\\''trap "" TERM HUP; echo UP; sleep 1000; :'\\'' & wait'`;

async function holderOf(config: string, tty: boolean): Promise<number> {
  await lab.writeConfig(`${config}\nreset_cmd='echo RESET'\n`);
  const session = lab.spawnSsh('alice', ['console'], { tty });
  await session.waitForOutput(/UP/);
  const { holders } = await lab.lockHolders();
  expect(holders).toHaveLength(1);
  return holders[0] ?? 0;
}

describe.each(['TERM', 'HUP', 'KILL'])('killed by %s', (signal) => {
  test.each(Object.entries(CONSOLES))('%s, in a terminal: nothing stays', async (_, config) => {
    await lab.signal(await holderOf(config, true), signal);
    await eventually('a free lock', async () => (await lab.lockHolders()).holders.length === 0);
    expect(await lab.ssh('bob', ['--no-wait', 'reset'])).toMatchObject({ stdout: 'RESET\n', exitCode: 0 });
    if (signal !== 'KILL') await eventually('an end', () => lab.processes().length === 0);
  });

  test.each(Object.entries(CONSOLES))('%s, without a terminal: nothing stays', async (_, config) => {
    await lab.signal(await holderOf(config, false), signal);
    await eventually('a free lock', async () => (await lab.lockHolders()).holders.length === 0);
    expect(await lab.ssh('bob', ['--no-wait', 'reset'])).toMatchObject({ stdout: 'RESET\n', exitCode: 0 });
    if (signal !== 'KILL') await eventually('an end', () => lab.processes().length === 0);
  });

  test('a child that left the session cannot keep the board', async () => {
    await lab.signal(await holderOf(STRAY, true), signal);
    await eventually('a free lock', async () => (await lab.lockHolders()).holders.length === 0);
    expect(await lab.ssh('bob', ['--no-wait', 'reset'])).toMatchObject({ stdout: 'RESET\n', exitCode: 0 });
  });
});

test('a client that is killed takes its console along', async () => {
  await lab.writeConfig("console_cmd='echo UP; exec sleep 1000'\n");
  const session = lab.spawnSsh('alice', ['console'], { tty: true });
  await session.waitForOutput(/UP/);
  session.kill('SIGKILL');
  await eventually('an end', () => lab.processes().length === 0);
  expect((await lab.lockHolders()).holders).toEqual([]);
});

test('a console that sleeps ends with its connection also without a terminal', async () => {
  await lab.writeConfig("console_cmd='echo UP; exec sleep 1000'\n");
  const session = lab.spawnSsh('alice', ['console']);
  await session.waitForOutput(/UP/);
  session.kill('SIGKILL');
  await eventually('an end', () => lab.processes().length === 0);
  expect((await lab.lockHolders()).holders).toEqual([]);
});

test('the session as sshd knows it ends by the signal', async () => {
  await lab.writeConfig("console_cmd='echo UP; exec cat'\n");
  const session = lab.spawnSsh('alice', ['console']);
  await session.waitForOutput(/UP/);
  const { holders } = await lab.lockHolders();
  await lab.signal(holders[0] ?? 0, 'TERM');
  const { exitCode } = await session.exited;
  expect(exitCode).not.toBe(0);
});
