/** The NFS server as units of a real systemd's user manager: socket activation, hooks, idle end, refusals, fences. */
import { once } from 'node:events';
import net from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { nullProcedure } from '../../src/nfs/procedures/null.ts';
import { STOP_MS } from '../support/container.ts';
import { connectTcp, connectUdp } from '../support/nfs-client.ts';
import { eventually } from '../support/ssh-session.ts';
import { BOOT_MS, bootMachine, type Machine } from '../support/systemd.ts';

const CONFIG = 'allowed_clients=127.0.0.1\nserver_addr=10.0.2.2\n';
const BOB = 'novaboot-nfsd@bob';
let machine: Machine;

beforeAll(async () => {
  machine = await bootMachine();
  await machine.root('loginctl enable-linger board');
}, BOOT_MS);
afterAll(() => machine?.stop(), STOP_MS);

async function configure(text: string): Promise<void> {
  await run(
    `printf '${text.replaceAll('\n', '\\n')}' >.novaboot-nfs; echo "target_config='--prefix=/x'" >.novaboot-shell`,
  );
}

/** What a script of the account prints. @throws Error if it fails */
async function run(script: string): Promise<string> {
  const { stdout, stderr, exitCode } = await machine.board(script);
  if (exitCode !== 0) throw new Error(`${script}: status ${exitCode}: ${stderr}`);
  return stdout.trimEnd();
}

/** A property of a unit of bob's. */
const property = (kind: 'service' | 'socket', name: string) =>
  run(`systemctl --user show --value -p ${name} ${BOB}.${kind}`);

async function getConfig(): Promise<number> {
  const { stdout, stderr, exitCode } = await machine.ssh('bob', 'get-config');
  expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
  const [, port] = /^--nfsopts=v3,tcp,port=(\d+),mountport=\1$/m.exec(stdout) ?? [];
  expect(stdout).toBe(
    `--prefix=/x\n--nfsroot=10.0.2.2:/home/board/nfsroot/bob/root\n--nfsopts=v3,tcp,port=${port},mountport=${port}\n`,
  );
  return Number(port);
}

async function answers(port: number): Promise<void> {
  for (const connect of [connectTcp, connectUdp]) {
    const client = await connect(port);
    await client.call(nullProcedure, undefined);
    client.close();
  }
}

const portFile = () => run('cat .cache/unfsd/bob.ports 2>/dev/null || true');

afterEach(async () => {
  await machine.ssh('bob', 'nfs stop');
  await machine.board(
    'rm -rf .config/systemd/user/novaboot-nfsd@*.service.d; systemctl --user daemon-reload',
  );
});

describe('with lingering', () => {
  test('get-config starts the socket and the server, over TCP and UDP', async () => {
    await configure(CONFIG);
    const port = await getConfig();
    expect(await property('socket', 'ActiveState')).toBe('active');
    expect(await property('service', 'ActiveState')).toBe('active');
    expect(await portFile()).toBe(
      ['NFS_UDP', 'NFS_TCP', 'MOUNT_UDP', 'MOUNT_TCP'].map((name) => `${name}=${port}`).join('\n'),
    );
    await answers(port);
    expect(await getConfig()).toBe(port);
    const status = JSON.parse((await machine.ssh('bob', 'nfs status --json')).stdout);
    expect(status).toMatchObject({
      state: 'running',
      port,
      landlock: expect.any(Number),
      unattributed: 'root',
    });
    expect(status.landlock).toBeGreaterThan(0);
    expect(status.operations.NULL).toBe(2);
  });

  test('the server that is killed comes back on its port', async () => {
    await configure(CONFIG);
    const port = await getConfig();
    const before = await property('service', 'MainPID');
    await machine.root(`kill -KILL ${before}`);
    await answers(port);
    expect(await portFile()).toContain(`NFS_TCP=${port}`);
    await eventually('another process', async () => {
      const now = await property('service', 'MainPID');
      return now !== before && now !== '0';
    });
  });

  test('who needs nothing gets no server: it ends when idle, and the next call starts it', async () => {
    await configure(CONFIG);
    await run(`mkdir -p .config/systemd/user/novaboot-nfsd@.service.d
      sed -n 's/--foreground/& --idle 1/; s/^ExecStart=/[Service]\\nExecStart=\\n&/p' \\
        /etc/systemd/user/novaboot-nfsd@.service >.config/systemd/user/novaboot-nfsd@.service.d/idle.conf
      systemctl --user daemon-reload`);
    const port = await getConfig();
    await eventually('the end', async () => (await property('service', 'ActiveState')) === 'inactive');
    expect(await property('service', 'Result')).toBe('success');
    expect(await portFile()).toContain(`NFS_TCP=${port}`);
    expect((await machine.ssh('bob', 'nfs status')).stdout).toBe(
      `The NFS server of bob idles: the next connection to port ${port} starts it.\n`,
    );
    expect(await getConfig()).toBe(port);
    expect(await property('service', 'ActiveState')).toBe('inactive');
    await answers(port);
    // A connection keeps it from being idle.
    const client = await connectTcp(port);
    await client.call(nullProcedure, undefined);
    expect(await property('service', 'ActiveState')).toBe('active');
    client.close();
  });

  test('nfs stop takes socket and port file along, nfs restart keeps the port', async () => {
    await configure(CONFIG);
    const port = await getConfig();
    const before = await property('service', 'MainPID');
    const restart = await machine.ssh('bob', 'nfs restart');
    expect(restart).toMatchObject({
      stdout: `The NFS server of bob answers on port ${port}.\n`,
      exitCode: 0,
    });
    expect(await property('service', 'MainPID')).not.toBe(before);
    expect(await machine.ssh('bob', 'nfs stop')).toMatchObject({
      stdout: 'The NFS server of bob is stopped.\n',
      exitCode: 0,
    });
    expect(await property('socket', 'ActiveState')).toBe('inactive');
    expect(await property('socket', 'UnitFileState')).toBe('disabled');
    expect(await portFile()).toBe('');
    await expect(connectTcp(port)).rejects.toThrow('ECONNREFUSED');
    expect(await getConfig()).toBe(port);
  });

  test('without ~/.novaboot-nfs neither the socket nor the server starts', async () => {
    await configure(CONFIG);
    await getConfig();
    await machine.ssh('bob', 'nfs stop');
    await run('rm .novaboot-nfs');
    for (const kind of ['socket', 'service']) {
      const { stderr, exitCode } = await machine.board(`systemctl --user start ${BOB}.${kind}`);
      expect(exitCode).not.toBe(0);
      // The server's is the socket's, which it needs.
      expect(stderr).toContain(kind === 'socket' ? 'Assertion failed' : 'A dependency job');
    }
    expect(await portFile()).toBe('');
    expect((await machine.ssh('bob', 'get-config')).stdout).toBe('--prefix=/x\n');
    expect((await machine.ssh('bob', 'nfs status')).exitCode).toBe(69);
  });

  test('what keeps the server from starting is told in one line', async () => {
    await configure(CONFIG);
    const port = await getConfig();
    await machine.ssh('bob', 'nfs stop');
    const refusal = async () => {
      const { stdout, stderr, exitCode } = await machine.ssh('bob', 'get-config');
      expect({ stdout, exitCode }).toEqual({ stdout: '--prefix=/x\n', exitCode: 1 });
      expect(stderr).toMatch(/^novaboot-shell: The NFS server did not start: [^\n]+\n$/);
      return stderr;
    };
    const occupant = net.createServer().listen(port);
    await once(occupant, 'listening');
    expect(await refusal()).toContain(`port ${port}: address in use`);
    occupant.close();
    // A file system without extended attributes and file handles.
    await machine.root('mount -t ramfs ramfs ~board/nfsroot; chown board:board ~board/nfsroot');
    try {
      expect(await refusal()).toMatch(/the file system of [^\n]+ has no/);
      // The socket does not stand for a server that cannot start.
      expect(await refusal()).toMatch(/the file system of [^\n]+ has no/);
      expect(await portFile()).toBe('');
    } finally {
      await machine.root('umount ~board/nfsroot');
    }
    expect(await getConfig()).toBe(port);
  });

  test('two users of the board have a server each, on ports of their own', async () => {
    await configure(CONFIG);
    const port = await getConfig();
    const { stdout } = await machine.ssh('alice', 'get-config');
    const other = Number(/port=(\d+)/.exec(stdout)?.[1]);
    expect(other).not.toBe(port);
    await answers(other);
    await machine.ssh('alice', 'nfs stop');
    await answers(port);
  });

  test('the server sees through its fences who has the board', async () => {
    await configure(CONFIG);
    await run(`echo "console_cmd='until [ -e over ]; do sleep 0.05; done'" >>.novaboot-shell; rm -f over`);
    await getConfig();
    const holder = async () =>
      JSON.parse((await machine.ssh('bob', 'nfs status --json')).stdout).putOff?.holder;
    const console = machine.ssh('alice', 'console');
    await eventually('alice', async () => (await holder()) === 'alice');
    await run('touch over');
    expect((await console).exitCode).toBe(0);
    await eventually('nobody', async () => (await holder()) === undefined);
  });

  test('the fences of the unit are up', async () => {
    await configure(CONFIG);
    await getConfig();
    const pid = await property('service', 'MainPID');
    const status = await machine.root(`cat /proc/${pid}/status`);
    expect(status).toMatch(/^NoNewPrivs:\t1$/m);
    expect(status).toMatch(/^Seccomp:\t2$/m);
    expect(status).toMatch(/^CapBnd:\t0+$/m);
    const mounts = await machine.root(`cat /proc/${pid}/mounts`);
    expect(mounts).toMatch(/^\S+ \/ \S+ ro/m);
    expect(mounts).toMatch(/^\S+ \/home\/board\/nfsroot\/bob \S+ rw/m);
  });
});

test('the unit works where user namespaces are forbidden, without the fences that need them', async () => {
  await configure(CONFIG);
  const manager = 'user@$(id -u board).service';
  const restart = `systemctl daemon-reload; systemctl restart ${manager}`;
  const dropIn = `/run/systemd/system/${manager}.d`;
  await machine.root(`mkdir -p ${dropIn}
    printf '[Service]\nRestrictNamespaces=yes\n' >${dropIn}/forbidden.conf; ${restart}`);
  try {
    const { stderr, exitCode } = await machine.ssh('bob', 'get-config');
    expect(stderr).toMatch(
      /^novaboot-shell: The NFS server did not start: user namespaces are forbidden here[^\n]*\n$/,
    );
    expect(exitCode).toBe(1);
    await run(`mkdir -p .config/systemd/user/novaboot-nfsd@.service.d
      ln -s /dev/null .config/systemd/user/novaboot-nfsd@.service.d/namespaces.conf
      systemctl --user daemon-reload`);
    await answers(await getConfig());
    const status = JSON.parse((await machine.ssh('bob', 'nfs status --json')).stdout);
    expect(status.unattributed).toBe('account');
    expect(status.landlock).toBeGreaterThan(0);
  } finally {
    await machine.root(`rm ${dropIn}/forbidden.conf; ${restart}`);
  }
});

test('without lingering get-config warns', async () => {
  await configure(CONFIG);
  await machine.root('loginctl disable-linger board');
  try {
    const { stdout, stderr, exitCode } = await machine.ssh('bob', 'get-config');
    expect(stdout).toContain('--nfsopts=v3,tcp,port=');
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/^novaboot-shell: [^\n]*enable-linger[^\n]*\n$/);
  } finally {
    await machine.root('loginctl enable-linger board');
  }
});
