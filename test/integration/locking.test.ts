/** Who has the board, who waits for it, and what becomes of those who give up. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { readWaits } from '../../src/shell/waits.ts';
import { eventually } from '../support/ssh-session.ts';
import { type Lab, startLab } from '../support/sshd.ts';

let lab: Lab;

beforeAll(async () => {
  lab = await startLab();
});
beforeEach(() =>
  lab.writeConfig("console_cmd='echo UP; exec cat'\nreset_cmd='echo RESET | tee -a resets'\n"),
);
afterEach(async () => {
  await lab.clean();
  await lab.sh('rm -f resets ppid');
});
afterAll(() => lab?.stop());

async function console(user: string) {
  const session = lab.spawnSsh(user, ['console'], { tty: true });
  await session.waitForOutput(/UP/);
  const { holders } = await lab.lockHolders();
  expect(holders).toHaveLength(1);
  return { session, pid: holders[0] ?? 0 };
}

async function waiters(count: number): Promise<readonly number[]> {
  return await eventually(`${count} waiters`, async () => {
    const { waiters } = await lab.lockHolders();
    return waiters.length === count && waiters;
  });
}

async function freeLock(): Promise<void> {
  await eventually('a free lock', async () => (await lab.lockHolders()).holders.length === 0);
}

const TIME = '\\d{4}-\\d\\d-\\d\\d_\\d\\d:\\d\\d:\\d\\d';

describe('the queue', () => {
  test('shows a waiting client the holder and those who wait already', async () => {
    const alice = await console('alice');
    const bob = lab.spawnSsh('bob', ['reset']);
    const heading = 'Target is occupied by:\\nPID +USER +LOGIN_TIME +FROM\\n';
    await bob.waitForOutput(new RegExp(`^${heading}${alice.pid} +alice +${TIME} +\\S+\\n$`));
    const [bobPid] = await waiters(1);
    const carol = lab.spawnSsh('carol', ['console'], { tty: true });
    await carol.waitForOutput(
      new RegExp(`${alice.pid} +alice +${TIME} +\\S+\\r?\\n${bobPid} +bob +${TIME} +\\S+\\r?\\n`),
    );
    expect(carol.stdout).not.toMatch(/Connected/);
    await waiters(2);

    alice.session.kill('SIGTERM');
    expect(await bob.exited).toEqual({ exitCode: 0, signal: undefined });
    expect(bob.stdout).toMatch(/RESET\n$/);
    await carol.waitForOutput(/novaboot-shell: Connected[\s\S]*UP/);
  });

  test('is printed on standard error for rsync, whose standard output is the protocol', async () => {
    const { pid } = await console('alice');
    const rsync = lab.spawnSsh('bob', ['rsync', '--server', '-vlogDtpre.iLsfxCIvu', '.', '.']);
    await rsync.waitForOutput(new RegExp(`Target is occupied by:\\n.*\\n${pid} +alice `), {
      stream: 'stderr',
    });
    await waiters(1);
    expect(rsync.stdout).toBe('');
  });

  test('calls a key without forced command something, and has a row for it', async () => {
    const { pid } = await console('guest');
    const bob = lab.spawnSsh('bob', ['reset']);
    await bob.waitForOutput(new RegExp(`^${pid} +\\S+ +${TIME} +\\S+$`, 'm'));
  });

  test('is what status tells', async () => {
    expect(JSON.parse((await lab.ssh('bob', ['status', '--json'])).stdout)).toMatchObject({
      version: 1,
      state: 'free',
      holder: null,
      waiters: [],
    });
    const { pid } = await console('alice');
    lab.spawnSsh('bob', ['reset']);
    const [waiter] = await waiters(1);
    expect(JSON.parse((await lab.ssh('carol', ['status', '--json'])).stdout)).toMatchObject({
      version: 1,
      state: 'held',
      holder: { pid, user: 'alice' },
      waiters: [{ pid: waiter, user: 'bob' }],
    });
    expect((await lab.ssh('carol', ['status'])).stdout).toMatch(/alice[\s\S]*bob/);
  });
});

describe('--no-wait and --wait', () => {
  test('--no-wait gives up at once', async () => {
    await console('alice');
    const { stderr, exitCode } = await lab.ssh('bob', ['--no-wait', 'reset']);
    expect(exitCode).toBe(75);
    expect(stderr).toMatch(/^novaboot-shell: [^\n]+\n$/);
    expect(await lab.exists('resets')).toBe(false);
  });

  test('--wait gives up after its time', async () => {
    await console('alice');
    const start = Date.now();
    const { stderr, exitCode } = await lab.ssh('bob', ['--wait', '1', 'reset']);
    const elapsed = Date.now() - start;
    expect(exitCode).toBe(75);
    expect(stderr).toMatch(/^novaboot-shell: [^\n]+\n$/);
    expect(elapsed).toBeGreaterThanOrEqual(1000);
    expect(elapsed).toBeLessThan(20_000);
    expect((await lab.lockHolders()).waiters).toEqual([]);
  });

  test('--wait gets the board when it becomes free in time', async () => {
    const alice = await console('alice');
    const before = readWaits(lab.home);
    const bob = lab.spawnSsh('bob', ['--wait', '20', 'reset']);
    await waiters(1);
    alice.session.kill('SIGTERM');
    expect((await bob.exited).exitCode).toBe(0);
    expect(bob.stdout).toMatch(/RESET\n$/);
    const { count, seconds } = readWaits(lab.home);
    expect(count).toBe(before.count + 1);
    expect(seconds).toBeGreaterThan(before.seconds);
    expect(seconds).toBeLessThan(before.seconds + 20);
  });

  // ssh takes options in front of the command for its own, unless -- precedes them.
  test('both may stand behind the command', async () => {
    await console('alice');
    expect((await lab.ssh('bob', ['reset', '--no-wait'])).exitCode).toBe(75);
    expect((await lab.ssh('bob', ['reset', '--wait', '0.1'])).exitCode).toBe(75);
    expect(await lab.exists('resets')).toBe(false);
  });

  test('both are nothing to a free board', async () => {
    for (const option of [['--no-wait'], ['--wait', '5'], ['--wait=5'], ['--wait', '0']]) {
      expect(await lab.ssh('bob', [...option, 'reset'])).toEqual({
        stdout: 'RESET\n',
        stderr: '',
        exitCode: 0,
      });
    }
  });

  test.each([['--wait'], ['--wait', 'reset'], ['--wait', '-1', 'reset'], ['--wait', '1e9', 'reset']])(
    'a wrong time is refused: %s %s %s',
    async (...words) => {
      const { stderr, exitCode } = await lab.ssh(
        'bob',
        words.filter((word) => word !== undefined),
      );
      expect(exitCode).toBe(64);
      expect(stderr).toMatch(/^novaboot-shell: [^\n]+\n$/);
      expect(await lab.exists('resets')).toBe(false);
    },
  );
});

describe('sessions of the shell-script original', () => {
  const ID = 'dave 2026-11-21_10:00:00 laptop.example.org';

  test('appear in the queue and keep others out', async () => {
    const script = 'echo held; exec sleep 1000';
    const old = lab.spawnAs(['flock', '--no-fork', lab.home, 'sh', '-c', script], { NOVABOOT_ID: ID });
    await old.waitForOutput(/held/);
    const { holders } = await lab.lockHolders();
    const { stdout, exitCode } = await lab.ssh('bob', ['--no-wait', 'reset']);
    expect(exitCode).toBe(75);
    expect(stdout).toMatch(
      new RegExp(`^${holders[0]} +dave +2026-11-21_10:00:00 +laptop\\.example\\.org$`, 'm'),
    );
    const bob = lab.spawnSsh('bob', ['reset']);
    await waiters(1);
    await lab.signal(holders[0] ?? 0, 'KILL');
    expect((await bob.exited).exitCode).toBe(0);
  });

  test('wait for ours', async () => {
    await console('alice');
    const { exitCode } = await lab.runAs(['flock', '--nonblock', lab.home, 'true']);
    expect(exitCode).toBe(1);
  });

  test('find the pid of our connection in ~/ppid, while the console is connected', async () => {
    const { session, pid } = await console('alice');
    const holder = lab.processes().find((process) => process.pid === pid);
    expect((await lab.read('ppid')).trim()).toBe(String(holder?.parent));
    session.kill('SIGTERM');
    await freeLock();
    expect(await lab.exists('ppid')).toBe(false);
  });

  test('a stale ~/ppid lets nobody in', async () => {
    const controlPath = `${lab.directory}/stale`;
    const master = lab.spawnSsh('bob', ['console'], { tty: true, controlPath, master: true });
    await master.waitForOutput(/UP/);
    const connection = await lab.read('ppid');
    const { holders } = await lab.lockHolders();
    await lab.signal(holders[0] ?? 0, 'KILL');
    await freeLock();
    await lab.clean();

    const other = `${lab.directory}/other`;
    lab.spawnSsh('bob', [], { options: ['-N'], controlPath: other, master: true });
    await eventually('the control socket', async () => {
      const { exitCode } = await lab.ssh('bob', [], { controlPath: other, options: ['-O', 'check'] });
      return exitCode === 0;
    });
    await console('alice');
    expect(await lab.read('ppid')).not.toBe(connection);
    lab.spawnSsh('bob', ['reset'], { controlPath: other });
    const [waiter] = await waiters(1);
    const parent = lab.processes().find(({ pid }) => pid === waiter)?.parent;
    await lab.writeConfig(`${parent}\n`, 'ppid');
    const { exitCode } = await lab.ssh('bob', ['--no-wait', 'reset'], { controlPath: other });
    expect(exitCode).toBe(75);
    expect(await lab.exists('resets')).toBe(false);
  });
});
