/** The TFTP server as a system service of a real systemd: port 69 without rights, socket activation, reload, fences. */
import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { STOP_MS } from '../support/container.ts';
import { eventually } from '../support/ssh-session.ts';
import { BOOT_MS, bootMachine, type Machine } from '../support/systemd.ts';

const BOARD = '[board rpi4]\naddress=127.0.0.1 ::1\n';
const SOCKET = 'novaboot-tftpd.socket';
const SERVICE = 'novaboot-tftpd.service';
/** Exit status of curl(1). */
const NOT_FOUND = 68;

let machine: Machine;

beforeAll(async () => {
  if (spawnSync('curl', ['--version']).error) throw new Error('curl is missing: apt-get install curl');
  machine = await bootMachine('own');
  await machine.root(`mkdir -p /etc/novaboot /srv/tftp/rpi4 /srv/tftp/public
    echo kernel >/srv/tftp/rpi4/Image; echo other >/srv/tftp/public/all; echo key >/root/key`);
}, BOOT_MS);
afterAll(() => machine?.stop(), STOP_MS);

const configure = (text: string) =>
  machine.root(`printf '${text.replaceAll('\n', '\\n')}' >/etc/novaboot/tftpd.conf`);

const property = async (unit: string, name: string) =>
  (await machine.root(`systemctl show --value -p ${name} ${unit}`)).trimEnd();

/** @returns the content, or the exit status */
function get(name: string, host = '127.0.0.1'): string | number | null {
  const [file = '', ...args] = [...machine.network, 'curl', '-sS', '-m', '20', `tftp://${host}/${name}`];
  const { stdout, status } = spawnSync(file, args, { encoding: 'utf8' });
  return status === 0 ? stdout : status;
}

beforeEach(async () => {
  await configure(BOARD);
  await machine.root(
    `systemctl stop ${SOCKET} ${SERVICE}; systemctl reset-failed; systemctl start ${SOCKET}`,
  );
});

/** --sync: also what the journal has not read from its sockets yet. */
const journal = () => machine.root(`journalctl --sync; journalctl --no-pager -o cat -u ${SERVICE}`);

test('the first request to port 69 starts it, over IPv4 and IPv6', async () => {
  expect(await property(SERVICE, 'ActiveState')).toBe('inactive');
  expect(get('Image')).toBe('kernel\n');
  expect(get('Image', '[::1]')).toBe('kernel\n');
  expect(get('all')).toBe('other\n');
  expect(await property(SERVICE, 'ActiveState')).toBe('active');
  expect(await property(SERVICE, 'StatusText')).toBe('Serving on [::]:69');
  const transfer = /^transfer client=127\.0\.0\.1:\d+ board=rpi4 file="Image" bytes=7 .* result="complete"$/m;
  await eventually('the transfer', async () => transfer.test(await journal()));
  expect(await machine.root(`journalctl --no-pager -o cat -p warning -u ${SERVICE}`)).toBe('');
});

test('nothing of it has rights', async () => {
  await machine.root(`systemctl start ${SERVICE}`);
  const pids = (await machine.root(`cat /sys/fs/cgroup/system.slice/${SERVICE}/cgroup.procs`)).split('\n');
  expect(pids).toHaveLength(3);
  for (const pid of pids.slice(0, 2)) {
    const status = await machine.root(`cat /proc/${pid}/status`);
    expect(status).toMatch(/^Uid:\t969\t969\t969\t969$/m);
    expect(status).toMatch(/^Groups:\t\s*(969 )?$/m);
    for (const set of ['Prm', 'Eff', 'Bnd', 'Inh', 'Amb'])
      expect(status).toMatch(RegExp(`^Cap${set}:\t0+$`, 'm'));
    expect(status).toMatch(/^NoNewPrivs:\t1$/m);
    expect(status).toMatch(/^Seccomp:\t2$/m);
    expect(await machine.root(`cat /proc/${pid}/mounts`)).toMatch(/^\S+ \/ \S+ ro/m);
  }
});

test('reload takes a board in, and another one out', async () => {
  expect(get('Image')).toBe('kernel\n');
  const main = await property(SERVICE, 'MainPID');
  await configure('[board new]\naddress=127.0.0.1\n');
  await machine.root(`mkdir -p /srv/tftp/new; echo new >/srv/tftp/new/fresh; systemctl reload ${SERVICE}`);
  await eventually('the new board', () => get('fresh') === 'new\n');
  expect(get('Image')).toBe(NOT_FOUND);
  expect(await property(SERVICE, 'MainPID')).toBe(main);
});

test('a configuration that is wrong is told, and keeps the service from starting', async () => {
  expect(get('Image')).toBe('kernel\n');
  await configure(`${BOARD}colour=red\n`);
  await machine.root(`systemctl reload ${SERVICE}`);
  const problem =
    /tftpd\.conf:3: colour: unknown setting, known are address, serial, mac, tree, public; serving as/;
  await eventually('the problem', async () => problem.test(await journal()));
  expect(get('Image')).toBe('kernel\n');
  await expect(machine.root(`systemctl restart ${SERVICE}`)).rejects.toThrow();
  expect(await property(SERVICE, 'ExecMainStatus')).toBe('78');
  expect(await property(SERVICE, 'NRestarts')).toBe('0');
});

test('it comes back after each of its processes is killed', async () => {
  expect(get('Image')).toBe('kernel\n');
  const procs = `/sys/fs/cgroup/system.slice/${SERVICE}/cgroup.procs`;
  for (const which of ['head', 'tail']) {
    const before = await property(SERVICE, 'MainPID');
    await machine.root(`kill -KILL "$(${which} -n 1 ${procs})"`);
    expect(get('Image')).toBe('kernel\n');
    if (which === 'head') expect(await property(SERVICE, 'MainPID')).not.toBe(before);
  }
});

test('what a board asked for may be read by the account of its name, and by no other one', async () => {
  const directory = '/var/lib/novaboot-tftpd';
  const tree = 'tree=/srv/tftp/rpi4';
  await configure(`[board board]\naddress=127.0.0.1\n${tree}\n[board mail]\naddress=::1\n${tree}\n`);
  expect(get('Image')).toBe('kernel\n');
  expect(get('dtb')).toBe(NOT_FOUND);
  expect(get('Image', '[::1]')).toBe('kernel\n');
  const readers = {
    board: (script: string) => machine.board(script),
    mail: (script: string) =>
      machine
        .root(`setpriv --reuid=mail --regid=mail --clear-groups sh -c '${script}' 2>&1 || true`)
        .then((stdout) => ({ stdout, stderr: stdout, exitCode: undefined })),
  };
  const records = { board: 2, mail: 1 };
  const files = [];
  for (const name of ['board', 'mail'] as const) {
    const lines = await eventually(`the journal of ${name}`, async () => {
      const { stdout } = await readers[name](`cat ${directory}/${name}.journal`);
      return stdout.match(/.+(?=\n)/g)?.length === records[name] && stdout.trimEnd().split('\n');
    });
    files.push(lines.map((line) => JSON.parse(line)));
    const other = name === 'board' ? 'mail' : 'board';
    for (const script of [
      `cat ${directory}/${other}.journal`,
      `ls ${directory}`,
      `echo >>${directory}/${name}.journal`,
      `rm -f ${directory}/${name}.journal`,
      `: >${directory}/${name}.journal.1`,
    ]) {
      const { stderr } = await readers[name](script);
      expect(stderr, script).toMatch(/Permission denied/i);
    }
  }
  const [own, others] = files;
  expect(own).toContainEqual(expect.objectContaining({ file: 'Image', bytes: 7, result: 'complete' }));
  expect(own).toContainEqual(expect.objectContaining({ file: 'dtb', bytes: 0, result: 'File not found' }));
  expect(others).toMatchObject([{ file: 'Image', client: expect.stringMatching(/^\[::1\]:\d+$/) }]);
  expect(await machine.root(`stat -c '%a %U' ${directory} ${directory}/board.journal`)).toBe(
    '711 novaboot-tftpd\n640 novaboot-tftpd\n',
  );
  expect(await machine.root(`journalctl --no-pager -o cat -p warning -u ${SERVICE}`)).not.toContain(
    directory,
  );
});

test('a tree in a home directory, which the account moves, is served; its links lead nowhere else', async () => {
  await machine.root('ln -sfn /home/board/tftproot /srv/tftp/home; chmod 711 /home/board');
  await machine.board(
    'mkdir -p boot; echo mine >boot/Image; ln -sfn boot tftproot; ln -sf /root/key /etc/passwd boot',
  );
  await configure('[board home]\naddress=127.0.0.1\n');
  expect(get('Image')).toBe('mine\n');
  for (const name of ['key', 'passwd']) expect(typeof get(name)).toBe('number');
  await machine.board('ln -sfn /etc tftproot');
  await eventually('a refusal', async () =>
    /board home: \/srv\/tftp\/home: a symbolic link on the way must belong to root/.test(await journal()),
  );
  await eventually('the end of its tree', () => get('Image') === NOT_FOUND);
  expect(get('passwd')).toBe(NOT_FOUND);
});
