/** Somebody who gave up waiting must not act on the board when it becomes free later. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { eventually, type Session } from '../support/ssh-session.ts';
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
  await lab.sh('rm -f resets');
});
afterAll(() => lab?.stop());

async function console(user: string): Promise<Session> {
  const session = lab.spawnSsh(user, ['console'], { tty: true });
  await session.waitForOutput(/UP/);
  return session;
}

async function waiters(count: number): Promise<void> {
  await eventually(`${count} waiters`, async () => (await lab.lockHolders()).waiters.length === count);
}

/** Ends the holder once nobody waits any more; nobody may act on the free board. */
async function expectNoReset(holder: Session): Promise<void> {
  await waiters(0);
  holder.kill('SIGTERM');
  await eventually('the end of everything', () => lab.processes().length === 0);
  expect((await lab.lockHolders()).holders).toEqual([]);
  expect(await lab.exists('resets')).toBe(false);
}

async function openMaster(controlPath: string): Promise<Session> {
  const master = lab.spawnSsh('bob', [], { options: ['-N'], controlPath, master: true });
  await eventually('the control socket', async () => {
    const { exitCode } = await lab.ssh('bob', [], { controlPath, options: ['-O', 'check'] });
    return exitCode === 0;
  });
  return master;
}

test.each(['SIGKILL', 'SIGTERM', 'SIGINT'] as const)(
  'a waiting client without terminal, killed by %s',
  async (signal) => {
    const alice = await console('alice');
    const bob = lab.spawnSsh('bob', ['reset']);
    await waiters(1);
    bob.kill(signal);
    await bob.exited;
    await expectNoReset(alice);
  },
);

test('a waiting client whose input is at its end, killed', async () => {
  const alice = await console('alice');
  const bob = lab.spawnSsh('bob', ['reset'], { options: ['-n'] });
  await waiters(1);
  bob.kill('SIGKILL');
  await bob.exited;
  await expectNoReset(alice);
});

test('the end of input alone is no reason to give up', async () => {
  const alice = await console('alice');
  const bob = lab.spawnSsh('bob', ['reset']);
  bob.end();
  await waiters(1);
  const carol = lab.spawnSsh('carol', ['reset'], { options: ['-n'] });
  await waiters(2);
  alice.kill('SIGTERM');
  expect((await bob.exited).exitCode).toBe(0);
  expect((await carol.exited).exitCode).toBe(0);
  expect(await lab.read('resets')).toBe('RESET\nRESET\n');
});

test('a waiting client with a terminal, killed', async () => {
  const alice = await console('alice');
  const bob = lab.spawnSsh('bob', ['reset'], { tty: true });
  await waiters(1);
  bob.kill('SIGKILL');
  await expectNoReset(alice);
});

test.each([
  ['with', true],
  ['without', false],
])('a client %s terminal that shares a connection which lives on, killed', async (_, tty) => {
  const controlPath = `${lab.directory}/shared-${tty}`;
  const master = await openMaster(controlPath);
  const alice = await console('alice');
  const bob = lab.spawnSsh('bob', ['reset'], { controlPath, tty });
  await waiters(1);
  bob.kill('SIGKILL');
  await bob.exited;
  await expectNoReset(alice);
  expect(master.running).toBe(true);
  expect((await lab.ssh('bob', ['reset'], { controlPath })).stdout).toBe('RESET\n');
});

test('a killed rsync that waited changes nothing', async () => {
  const alice = await console('alice');
  const rsync = lab.spawnSsh('bob', ['rsync', '--server', '-vlogDtpre.iLsfxCIvu', '.', '.']);
  await waiters(1);
  rsync.kill('SIGKILL');
  await rsync.exited;
  await expectNoReset(alice);
});

test('a killed console that waited does not connect, and the next in the queue does', async () => {
  await lab.writeConfig(`console_cmd='echo "$NB_USER" >>connected; echo UP; exec cat'\n`);
  const alice = await console('alice');
  const bob = lab.spawnSsh('bob', ['console'], { tty: true });
  await waiters(1);
  const carol = lab.spawnSsh('carol', ['console'], { tty: true });
  await waiters(2);
  bob.kill('SIGKILL');
  await waiters(1);
  alice.kill('SIGTERM');
  await carol.waitForOutput(/UP/);
  expect(await lab.read('connected')).toBe('alice\ncarol\n');
});

test('the waiting process itself, killed, leaves the others in the queue', async () => {
  const alice = await console('alice');
  const bob = lab.spawnSsh('bob', ['reset']);
  await waiters(1);
  const { waiters: pids } = await lab.lockHolders();
  await lab.signal(pids[0] ?? 0, 'TERM');
  expect((await bob.exited).exitCode).not.toBe(0);
  await expectNoReset(alice);
});

test('a stopped client that waits gets its turn and passes the board on', async () => {
  const alice = await console('alice');
  const bob = lab.spawnSsh('bob', ['reset']);
  await waiters(1);
  bob.kill('SIGSTOP');
  alice.kill('SIGTERM');
  await eventually('a free lock', async () => (await lab.lockHolders()).holders.length === 0);
  const carol = await console('carol');
  expect(carol.running).toBe(true);
  bob.kill('SIGCONT');
  expect((await bob.exited).exitCode).toBe(0);
  expect(bob.stdout).toMatch(/RESET\n$/);
});

test('a stopped client that has the console keeps it', async () => {
  const alice = await console('alice');
  alice.kill('SIGSTOP');
  expect((await lab.ssh('bob', ['--no-wait', 'reset'])).exitCode).toBe(75);
  alice.kill('SIGCONT');
  alice.write('still here\n');
  await alice.waitForOutput(/still here[\s\S]*still here/);
});
