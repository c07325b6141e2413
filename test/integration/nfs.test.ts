/** get-config and nfs over a real sshd, where no systemd of the account runs: the server is started by ourselves. */
import { once } from 'node:events';
import net from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { nullProcedure } from '../../src/nfs/procedures/null.ts';
import { connectTcp, connectUdp } from '../support/nfs-client.ts';
import { eventually } from '../support/ssh-session.ts';
import { type Lab, startLab } from '../support/sshd.ts';

const CONFIG = 'allowed_clients=127.0.0.1\nserver_addr=10.0.2.2\n';
const DROP_IN = '.config/systemd/user/novaboot-nfsd@bob.socket.d/port.conf';
let lab: Lab;

beforeAll(async () => {
  lab = await startLab({ config: "target_config='--prefix=/x'\nconsole_cmd='echo here; cat'\n" });
});
afterEach(async () => {
  await lab.clean();
  await lab.sh('chmod -R u+rwX .; rm -rf .novaboot-nfs .cache .config nfsroot');
});
afterAll(() => lab?.stop());

/** @returns the port */
async function getConfig(user = 'bob', more = ''): Promise<number> {
  const { stdout, stderr, exitCode } = await lab.ssh(user, ['get-config']);
  expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
  const port = Number(/port=(\d+)/.exec(stdout)?.[1]);
  const nfsroot = `--nfsroot=10.0.2.2:${lab.home}/nfsroot/${user}/root`;
  expect(stdout).toBe(`--prefix=/x\n${nfsroot}\n--nfsopts=v3,tcp,port=${port},mountport=${port}${more}\n`);
  return port;
}

async function answers(port: number): Promise<void> {
  for (const connect of [connectTcp, connectUdp]) {
    const client = await connect(port);
    await client.call(nullProcedure, undefined);
    client.close();
  }
}

function servers() {
  return lab.processes().filter(({ command }) => command.includes('novaboot-nfsd.js'));
}

async function server() {
  const [found, ...others] = servers();
  expect(others).toEqual([]);
  if (found === undefined) throw new Error('no server runs');
  return found;
}

const modes = () => lab.sh('stat -c "%a %n" nfsroot nfsroot/bob nfsroot/bob/root .cache/unfsd');

describe('get-config', () => {
  test('starts a server, which outlives the session and is there for the next one', async () => {
    await lab.writeConfig(CONFIG, '.novaboot-nfs');
    const port = await getConfig();
    await answers(port);
    expect(await modes()).toBe('700 nfsroot\n700 nfsroot/bob\n755 nfsroot/bob/root\n700 .cache/unfsd\n');
    expect(await lab.read('.cache/unfsd/bob.ports')).toBe(
      ['NFS_UDP', 'NFS_TCP', 'MOUNT_UDP', 'MOUNT_TCP'].map((name) => `${name}=${port}\n`).join(''),
    );
    const { pid } = await server();
    expect(await getConfig()).toBe(port);
    expect((await server()).pid).toBe(pid);
  });

  test('chooses a port below those of outgoing connections', async () => {
    await lab.writeConfig(CONFIG, '.novaboot-nfs');
    const port = await getConfig();
    const [first] = (await lab.sh('cat /proc/sys/net/ipv4/ip_local_port_range')).split('\t');
    expect(port).toBeGreaterThanOrEqual(1024);
    expect(port).toBeLessThan(Number(first));
    expect(await lab.read(DROP_IN)).toMatch(
      new RegExp(`^(#.*\\n)+\\[Socket\\]\\nListenStream=${port}\\nListenDatagram=${port}\\n$`),
    );
  });

  test('takes the port that is remembered', async () => {
    await lab.writeConfig(CONFIG, '.novaboot-nfs');
    const port = await getConfig();
    const another = port - 7;
    await lab.ssh('bob', ['nfs', 'stop']);
    await lab.writeConfig(`[Socket]\nListenStream=\nListenStream=[::]:${another}\n`, DROP_IN);
    expect(await getConfig()).toBe(another);
  });

  test('appends the mount options', async () => {
    await lab.writeConfig(`${CONFIG}mount_options=rsize=1048576,nolock\n`, '.novaboot-nfs');
    await getConfig('bob', ',rsize=1048576,nolock');
  });

  test('secure: clients need a port that only root has', async () => {
    await lab.writeConfig(`${CONFIG}secure=yes\n`, '.novaboot-nfs');
    const port = await getConfig();
    await expect(answers(port)).rejects.toThrow();
    expect((await server()).command).toContain('--secure yes');
  });

  test('tells the address that the client has reached when none is configured', async () => {
    await lab.writeConfig('allowed_clients=127.0.0.1\n', '.novaboot-nfs');
    const { stdout } = await lab.ssh('bob', ['get-config']);
    expect(stdout).toContain(`\n--nfsroot=127.0.0.1:${lab.home}/nfsroot/bob/root\n`);
  });

  test('many at once end up with one server and one port', async () => {
    await lab.writeConfig(CONFIG, '.novaboot-nfs');
    const ports = await Promise.all(Array.from({ length: 6 }, () => getConfig()));
    expect(new Set(ports).size).toBe(1);
    await server();
  });

  test('two users at once get a server and a port each', async () => {
    await lab.writeConfig(CONFIG, '.novaboot-nfs');
    const [bob, carol] = await Promise.all([getConfig('bob'), getConfig('carol')]);
    expect(bob).not.toBe(carol);
    expect(servers()).toHaveLength(2);
    await Promise.all([answers(bob), answers(carol)]);
  });

  test('does not believe the port file of a server that was killed', async () => {
    await lab.writeConfig(CONFIG, '.novaboot-nfs');
    const port = await getConfig();
    const { pid } = await server();
    await lab.signal(pid, 'KILL');
    await eventually('the end', () => servers().length === 0);
    expect(await lab.exists('.cache/unfsd/bob.ports')).toBe(true);
    expect(await getConfig()).toBe(port);
    await answers(port);
  });

  test('leaves nothing of the session with the server', async () => {
    await lab.writeConfig(CONFIG, '.novaboot-nfs');
    const console = lab.spawnSsh('bob', ['console'], { master: true, controlPath: `${lab.directory}/ctl` });
    await console.waitForOutput(/here/);
    await lab.ssh('bob', ['get-config'], { controlPath: `${lab.directory}/ctl` });
    const { pid, parent, session } = await server();
    expect(parent).toBe(1);
    expect(session).toBe(pid);
    expect((await lab.lockHolders()).holders).not.toContain(pid);
    const links = await lab.root(`ls -l /proc/${pid}/fd`);
    expect(links).toMatch(/ 0 -> \/dev\/null\n/);
    expect(links).toMatch(/ 1 -> \/dev\/null\n/);
    expect(links).toMatch(/ 2 -> \S+\/bob\.log\n/);
    expect(links).not.toContain('/dev/pts');
    // Pipes of its own have both ends here.
    const pipes = [...links.matchAll(/pipe:\[\d+\]/g)].map(([pipe]) => pipe);
    expect(new Set(pipes).size * 2).toBe(pipes.length);
    const environment = (await lab.root(`cat /proc/${pid}/environ`))
      .split('\0')
      .map((line) => line.split('=')[0]);
    expect(environment).not.toContain('SSH_CONNECTION');
    expect(environment).not.toContain('NB_USER');
    console.kill('SIGKILL');
    await console.exited;
    await eventually('the end of the session', () => lab.processes().length === 1);
    await answers(await getConfig());
  });

  test('tightens directories that others could read', async () => {
    await lab.writeConfig(CONFIG, '.novaboot-nfs');
    await lab.sh('mkdir -p nfsroot/bob; chmod 755 nfsroot nfsroot/bob');
    await getConfig();
    expect(await modes()).toMatch(/^700 nfsroot\n700 nfsroot\/bob\n755 /);
  });

  test('gives a user without a name no server', async () => {
    await lab.writeConfig(CONFIG, '.novaboot-nfs');
    expect(await lab.ssh('guest', ['get-config'])).toEqual({
      stdout: '--prefix=/x\n',
      stderr: '',
      exitCode: 0,
    });
    expect(servers()).toEqual([]);
    expect(await lab.exists('nfsroot')).toBe(false);
  });
});

describe('what keeps the server from starting is one line, after the other options', () => {
  async function refusal(): Promise<string> {
    const { stdout, stderr, exitCode } = await lab.ssh('bob', ['get-config']);
    expect({ stdout, exitCode }).toEqual({ stdout: '--prefix=/x\n', exitCode: 1 });
    expect(stderr).toMatch(/^novaboot-shell: [^\n]+\n$/);
    return stderr;
  }

  test('an address in use', async () => {
    await lab.writeConfig(CONFIG, '.novaboot-nfs');
    const port = await getConfig();
    await lab.ssh('bob', ['nfs', 'stop']);
    const occupant = net.createServer().listen(port, '127.0.0.1');
    await once(occupant, 'listening');
    expect(await refusal()).toContain(`port ${port}: address in use`);
    occupant.close();
    expect(await getConfig()).toBe(port);
  });

  test.each([
    [
      'a directory without write permission',
      'mkdir -p nfsroot/bob/root; chmod 500 nfsroot/bob/root',
      /root: not readable and writable/,
    ],
    ['a file in the place of a directory', 'touch nfsroot', /nfsroot is not a directory of this account/],
    ['a link of the account', 'mkdir x; ln -s x nfsroot', /nfsroot is a symbolic link/],
    ['a link below', 'mkdir -p nfsroot/bob x; ln -s ../../x nfsroot/bob/root', /root is a symbolic link/],
    [
      'a file in the place of ~/.cache',
      'touch .cache',
      /Cannot make \S+unfsd: leads through a file that is no directory/,
    ],
    ['a file in the place of ~/.config', 'touch .config', /did not start: E[A-Z]+: [^\n]*\.config/],
    ['no clients', 'echo server_addr=10.0.2.2 >.novaboot-nfs', /allowed_clients/],
    ['wrong clients', 'echo allowed_clients=10.0.0.0/99 >.novaboot-nfs', /:1: allowed_clients: expected/],
    [
      'a port file that says nothing',
      `mkdir -p "$(dirname ${DROP_IN})"; echo x >${DROP_IN}`,
      /expected ListenStream=PORT/,
    ],
  ])('%s', async (_, script, expected) => {
    await lab.writeConfig(CONFIG, '.novaboot-nfs');
    await lab.sh(script);
    expect(await refusal()).toMatch(expected);
    expect(servers()).toEqual([]);
  });

  test('a file system without extended attributes', async () => {
    await lab.writeConfig(CONFIG, '.novaboot-nfs');
    await lab.sh('mkdir nfsroot');
    await lab.root(`mount -t ramfs ramfs ${lab.home}/nfsroot; chown ${lab.uid} ${lab.home}/nfsroot`);
    try {
      expect(await refusal()).toMatch(/the file system of [^\n]+ has no/);
    } finally {
      await lab.root(`umount -l ${lab.home}/nfsroot`);
    }
  });
});

describe('nfs', () => {
  const run = (...words: string[]) => lab.ssh('bob', ['nfs', ...words]);

  test('status, restart and stop', async () => {
    await lab.writeConfig(CONFIG, '.novaboot-nfs');
    expect((await run('status')).stdout).toBe('The NFS server of bob is stopped; get-config starts it.\n');
    expect(JSON.parse((await run('status', '--json')).stdout)).toEqual({
      version: 1,
      state: 'stopped',
      port: null,
    });
    const port = await getConfig();
    await answers(port);
    const { pid } = await server();
    const { stdout, stderr, exitCode } = await run('status', '--json');
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ version: 1, state: 'running', pid, port, export: `${lab.home}/nfsroot/bob/root` },
      operations: { NULL: 2 },
      clients: [{ address: '127.0.0.1', calls: 2 }],
    });
    const text = (await run('status')).stdout;
    expect(text).toContain(`${lab.home}/nfsroot/bob/root\non port ${port} since `);
    expect(text).toContain('Operations: NULL 2.\n');
    expect(text).toMatch(/^127\.0\.0\.1 /m);

    expect(await run('restart')).toEqual({
      stdout: `The NFS server of bob answers on port ${port}.\n`,
      stderr: '',
      exitCode: 0,
    });
    expect((await server()).pid).not.toBe(pid);
    await answers(port);
    expect((await run('stop')).stdout).toBe('The NFS server of bob is stopped.\n');
    expect(servers()).toEqual([]);
    expect(await lab.exists('.cache/unfsd/bob.ports')).toBe(false);
    expect((await run('stop')).stdout).toBe('The NFS server of bob was not running.\n');
  });

  test('restart takes a changed configuration', async () => {
    await lab.writeConfig('allowed_clients=192.0.2.1\nserver_addr=10.0.2.2\n', '.novaboot-nfs');
    const port = await getConfig();
    await expect(answers(port)).rejects.toThrow('closed');
    await lab.writeConfig(CONFIG, '.novaboot-nfs');
    await run('restart');
    await answers(port);
  });

  test('a quota, and none any more', async () => {
    await lab.writeConfig(`${CONFIG}quota=64M\nmax_files=1000\n`, '.novaboot-nfs');
    await getConfig();
    const quota = 'Quota: 8.0K of 64.0M and 2 of 1000 files used; replaced roots do not count.\n';
    await eventually('the first count', async () => (await run('status')).stdout.includes(quota));
    expect((await lab.ssh('bob', ['root', 'list'])).stdout).toContain(quota);
    expect(await lab.exists('.cache/unfsd/bob.usage')).toBe(true);
    await lab.writeConfig(CONFIG, '.novaboot-nfs');
    await run('restart');
    expect((await run('status')).stdout).not.toContain('Quota');
    expect(await lab.exists('.cache/unfsd/bob.usage')).toBe(false);
    await lab.writeConfig(`${CONFIG}quota=64 M\n`, '.novaboot-nfs');
    expect((await run('restart')).stderr).toMatch(/\.novaboot-nfs:3: quota: expected a number of bytes/);
  });

  test('acts on the own server only', async () => {
    await lab.writeConfig(CONFIG, '.novaboot-nfs');
    const port = await getConfig();
    expect((await lab.ssh('carol', ['nfs', 'stop'])).stdout).toBe(
      'The NFS server of carol was not running.\n',
    );
    expect((await lab.ssh('alice', ['nfs', 'status'])).stdout).toContain('is stopped');
    await answers(port);
  });

  test('says when the server does not answer', async () => {
    await lab.writeConfig(CONFIG, '.novaboot-nfs');
    await getConfig();
    const { pid } = await server();
    await lab.signal(pid, 'STOP');
    expect(await run('status')).toEqual({
      stdout: '',
      stderr: `novaboot-shell: The NFS server (process ${pid}) does not answer\n`,
      exitCode: 1,
    });
    await lab.signal(pid, 'CONT');
  });

  test.each([[], ['start'], ['stop', 'bob'], ['status', '--yaml'], ['restart', '--json']])(
    'refuses %j %j',
    async (...words) => {
      await lab.writeConfig(CONFIG, '.novaboot-nfs');
      const { stdout, stderr, exitCode } = await run(...words);
      expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 64 });
      expect(stderr).toBe('novaboot-shell: Usage: nfs status [--json], nfs restart, nfs stop\n');
    },
  );

  test('needs a name, and ~/.novaboot-nfs', async () => {
    expect((await run('status')).exitCode).toBe(69);
    expect((await lab.ssh('guest', ['nfs', 'stop'])).exitCode).toBe(77);
  });
});
