/** Two users and their NFS servers share a board: who has it is answered, over a real sshd. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { getattr } from '../../src/nfs/procedures/getattr.ts';
import { mnt3 } from '../../src/nfs/procedures/mount.ts';
import { connectTcp, type NfsConnection } from '../support/nfs-client.ts';
import { eventually } from '../support/ssh-session.ts';
import { type Lab, startLab } from '../support/sshd.ts';

const CONFIG = 'allowed_clients=127.0.0.1\nserver_addr=10.0.2.2\n';
const HOME_KIBIBYTES = 32 * 1024;
let lab: Lab;
let open: NfsConnection[] = [];

beforeAll(async () => {
  const config =
    "target_config='--prefix=/x'\nconsole_cmd='echo here; exec cat'\nreset_cmd='until [ -e over ]; do sleep 0.05; done'\n";
  lab = await startLab({ config, homeKibibytes: HOME_KIBIBYTES });
  await lab.writeConfig(CONFIG, '.novaboot-nfs');
});
afterEach(async () => {
  for (const connection of open) connection.close();
  open = [];
  await lab.clean();
  await lab.sh('rm -rf .cache .config .local nfsroot fill over');
});
afterAll(() => lab?.stop());

/** The user's server is there and mounted. @returns what a call is answered with */
async function mounted(user: string): Promise<() => Promise<string>> {
  const { stdout } = await lab.ssh(user, ['get-config']);
  const nfs = await connectTcp(Number(/port=(\d+)/.exec(stdout)?.[1]));
  open.push(nfs);
  const result = await nfs.call(mnt3, Buffer.from(`${lab.home}/nfsroot/${user}/root`));
  const object = 'ok' in result ? result.ok.fhandle : Buffer.alloc(0);
  return () => nfs.status(getattr, { object });
}

const becomes = (status: () => Promise<string>, wanted: string) =>
  eventually(wanted, async () => (await status()) === wanted);

test('whose console it is, and after kill -9 nobody’s', async () => {
  const [alice, bob] = [await mounted('alice'), await mounted('bob')];
  const session = lab.spawnSsh('bob', ['console']);
  await session.waitForOutput(/here/);
  await becomes(alice, 'NFS3ERR_JUKEBOX');
  expect(await bob()).toBe('NFS3_OK');
  const json = JSON.parse((await lab.ssh('alice', ['nfs', 'status', '--json'])).stdout);
  expect(json.putOff).toMatchObject({ holder: 'bob', calls: expect.any(Number) });
  expect((await lab.ssh('alice', ['nfs', 'status'])).stdout).toMatch(
    /^Calls are put off since [-0-9]{10} [:0-9]{8}, for bob has the board: [1-9]\d* so far\.$/m,
  );
  expect((await lab.ssh('bob', ['nfs', 'status'])).stdout).not.toContain('put off');
  expect(await lab.sh('stat -c %a .local/state/novaboot/lease/holder .local/state/novaboot/lease')).toBe(
    '600\n700\n',
  );
  const { holders } = await lab.lockHolders();
  await lab.signal(holders[0] ?? 0, 'KILL');
  await becomes(alice, 'NFS3_OK');
  expect((await lab.ssh('alice', ['nfs', 'status'])).stdout).not.toContain('put off');
});

test('also a command without a console, and who waited for it', async () => {
  const [alice, bob] = [await mounted('alice'), await mounted('bob')];
  const reset = lab.ssh('bob', ['reset']);
  await becomes(alice, 'NFS3ERR_JUKEBOX');
  const session = lab.spawnSsh('alice', ['console']);
  await session.waitForOutput(/bob/);
  await lab.sh('touch over');
  expect((await reset).exitCode).toBe(0);
  await session.waitForOutput(/here/);
  await becomes(alice, 'NFS3_OK');
  await becomes(bob, 'NFS3ERR_JUKEBOX');
});

test('a server that is made while another user has the board', async () => {
  const session = lab.spawnSsh('bob', ['console']);
  await session.waitForOutput(/here/);
  const { stdout } = await lab.ssh('alice', ['get-config']);
  expect(stdout).toContain('--nfsopts=');
  expect((await lab.ssh('alice', ['nfs', 'status'])).stdout).toContain('for bob has the board: 0 so far');
});

test('a full disk keeps nobody from the board', async () => {
  const alice = await mounted('alice');
  await lab.sh('cat /dev/zero >fill || true; echo >>fill 2>/dev/null || true');
  const session = lab.spawnSsh('bob', ['console']);
  await session.waitForOutput(/here/);
  // And nothing wrong is believed: the file of the one before is gone.
  expect(await lab.exists('.local/state/novaboot/lease/holder')).toBe(false);
  expect(await alice()).toBe('NFS3_OK');
});
