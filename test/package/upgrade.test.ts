/**
 * An upgrade of the package in a fresh Debian, while a real Linux kernel has its root file system from the board's NFS
 * server, and a user has the console.
 */
import { createHash } from 'node:crypto';
import path from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { STOP_MS } from '../support/container.ts';
import { addRootFileSystem } from '../support/guest-root.ts';
import { findPrograms } from '../support/guest-tools.ts';
import { PACKAGE_MS, packageFile } from '../support/package-file.ts';
import { BOOT_MS, bootPackageMachine, type PackageMachine } from '../support/package-machine.ts';
import { bootGuest, type Guest } from '../support/qemu.ts';
import type { Session } from '../support/ssh-session.ts';

const BEFORE = '0.0.1';
const LINES = 200;
const NFSD = 'novaboot-nfsd@alice.service';

vi.setConfig({ testTimeout: 90_000 });

/** A console server for one client at a time, whose board says what it is told. */
const LINE = `use IO::Socket::INET;
my $server = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1:4001') or die $!;
while (my $client = $server->accept) { while (sysread $client, my $text, 4096) { syswrite $client, $text } }
`;

let machine: PackageMachine;
let guest: Guest;
let console: Session;

const version = () => machine.root('dpkg-query -W novaboot-server | cut -f 2');
/** The program of each server that runs. */
const programs = async () =>
  await machine.root(`for pid in $(systemctl show --value -p MainPID novaboot-tftpd.service) \\
      $(pgrep -u board -f -- --foreground); do echo "$pid $(readlink /proc/$pid/exe)"; done`);
const property = async (unit: string, name: string) =>
  (await machine.account('board', `systemctl --user show --value -p ${name} ${unit}`)).stdout.trimEnd();
const getConfig = async () => (await machine.ssh('alice', 'board', 'get-config')).stdout;

/** The root file system that alice uploads, as a tar archive. */
async function upload(): Promise<void> {
  const staging = path.join(machine.directory, 'root');
  addRootFileSystem(staging);
  const script = 'tar -C "$1" --owner=0 --group=0 -cf - . | $2 board@127.0.0.1 untar -';
  const { stderr, exitCode } = await machine.outside([
    'sh',
    '-ec',
    script,
    'sh',
    staging,
    machine.rsh('alice'),
  ]);
  expect({ stderr, exitCode }).toMatchObject({ exitCode: 0 });
}

beforeAll(
  async () => {
    findPrograms(['curl', 'qemu-system-x86_64', 'busybox']);
    const before = packageFile(BEFORE);
    packageFile();
    machine = await bootPackageMachine({ install: false });
    expect(await machine.install(before)).toMatchObject({ exitCode: 0 });
    await machine.write('/root/line.pl', LINE);
    await machine.root('systemd-run -q --unit=line perl /root/line.pl');
    const { stderr, exitCode } = await machine.admin(
      ...['add-board', 'board', '--key', machine.key('alice'), '--admin-id', 'alice'],
      ...['--nfs', '127.0.0.1', '--server-addr', '10.0.2.2', '--console', 'tcp:127.0.0.1:4001'],
    );
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
    await upload();
    const [, where, options] = /--nfsroot=(\S+)\n--nfsopts=(\S+)/.exec(await getConfig()) ?? [];
    guest = await bootGuest({ nfsroot: `${where},${options}`, before: machine.network });
    await machine.outside(['curl', '-sS', '-m', '20', 'tftp://127.0.0.1/Image']);
  },
  BOOT_MS + 2 * PACKAGE_MS,
);
afterAll(async () => {
  await guest?.stop();
  await machine?.stop();
}, STOP_MS);

test('a board goes on with its root file system', { timeout: 300_000 }, async () => {
  const config = await getConfig();
  const server = await property(NFSD, 'MainPID');
  console = machine.spawnSsh('alice', 'board', 'console');
  console.write('before\n');
  await console.waitForOutput(/^before$/m);
  const root = '/home/board/nfsroot/alice/root/root';
  const work = guest.run(
    `set -e; cd /root; exec 3<>open; echo held >&3
    for i in $(seq 1 ${LINES}); do
      echo "line $i" >f$i; cat f$i; mv f$i g$i; [ $i -lt ${LINES / 4} ] || [ -e upgraded ] || sleep 0.1
    done | sha256sum
    cat g* | wc -l; echo more >&3; cat open`,
    240_000,
  );
  await machine.until(`[ -e ${root}/g${LINES / 4} ]`);
  expect(await version()).toBe(`1:${BEFORE}\n`);
  const { stderr, exitCode } = await machine.install();
  expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
  expect(await version()).not.toBe(`1:${BEFORE}\n`);
  await guest.sh('touch /root/upgraded');

  const text = Array.from({ length: LINES }, (_, index) => `line ${index + 1}\n`).join('');
  const sum = createHash('sha256').update(text).digest('hex');
  expect(await work).toEqual({ status: 0, stdout: `${sum}  -\n${LINES}\nheld\nmore\n`, stderr: '' });
  expect(await guest.sh('echo 3 >/proc/sys/vm/drop_caches; cat /root/g* | wc -l; hostname')).toBe(
    `${LINES}\nboard`,
  );
  // It is another server, on the same port.
  expect(await property(NFSD, 'MainPID')).not.toBe(server);
  expect(await getConfig()).toBe(config);
});

test('no server runs on with programs that are gone', async () => {
  const running = (await programs()).trimEnd().split('\n');
  expect(running).toHaveLength(2);
  for (const program of running) expect(program).toMatch(/^\d+ \/usr\/lib\/novaboot-server\/node$/);
});

test('who has the console keeps it', async () => {
  console.write('after\n');
  await console.waitForOutput(/^after$/m);
  expect((await machine.ssh('alice', 'board', 'status')).stdout).toContain('alice');
  console.kill('SIGTERM');
  await console.exited;
  await machine.until('flock -n /home/board true');
});
