/** What --boot does by ssh, with a board that is played; with the virtual one it is in virtual-boot.test.ts. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type BootedBoard, bootBoard, proof } from '../../../src/demo/boot/boot.ts';
import { UserShell } from '../../../src/demo/boot/user-shell.ts';
import type { State } from '../../../src/demo/state.ts';
import { Demo, eventually } from '../demo-server.ts';

const PLAYER = new URL('./played-board.ts', import.meta.url).pathname;
const demo = new Demo({ shell: resolve(import.meta.dirname, '../../../dist/novaboot-shell') });
const files = join(demo.state, 'files');
const kit = {
  ...{ kernel: join(files, 'linux'), ramdisk: join(files, 'initrd'), root: join(files, 'root.tar') },
  ...{ arguments: 'console=ttyAMA0', prompt: 'board# ' },
};

beforeAll(async () => {
  await demo.ready();
  mkdirSync(join(files, 'root/etc'), { recursive: true });
  for (const name of ['linux', 'initrd', 'root/etc/hostname']) writeFileSync(join(files, name), 'text');
  execFileSync('tar', ['-cf', kit.root, '-C', join(files, 'root'), '.']);
});
afterAll(() => demo[Symbol.asyncDispose]());

/** The board's configuration, and a demo's state as --boot needs it. */
function played(fault: string, targetConfig = '--uboot==> \n--uboot-cmd=booti $kernel_addr $ramdisk_addr') {
  const pidFile = join(demo.state, 'player');
  const configuration = [
    `console_cmd="${process.execPath} ${PLAYER} ${pidFile} '${fault}'"`,
    `reset_cmd="kill -USR1 \\$(cat ${pidFile})"`,
    `target_config='${targetConfig}'`,
  ];
  writeFileSync(join(demo.home, '.novaboot-shell'), `${configuration.join('\n')}\n`);
  return { directory: demo.state, sshConfig: join(demo.state, 'ssh_config') } as State;
}

async function boot(
  state: State,
  then: (board: BootedBoard) => unknown = () => {},
  files = kit,
): Promise<string[]> {
  const said: string[] = [];
  await using shell = new UserShell((line) => said.push(line));
  await then(await bootBoard({ state, kit: files, shell, say: (line) => said.push(line) }));
  return said;
}

async function boardIsFree(): Promise<void> {
  await eventually(async () => (await demo.text('status')).includes('free'));
  expect(existsSync(join(demo.state, 'ctl'))).toBe(false);
}

test('from get-config to the shell on the board', async () => {
  const said = await boot(played(''), async (board) => {
    const lines = await proof(board, kit);
    expect(lines.slice(0, 3)).toEqual([
      'board# uname -rm',
      "board# grep ' / ' /proc/mounts",
      '10.0.2.2:/x/root / nfs rw 0 0',
    ]);
  });
  const ssh = `ssh -F ${demo.state}/ssh_config`;
  const shared = `${ssh} -S ${demo.state}/ctl`;
  const nfsroot = said.find((line) => line.startsWith('nfsroot='));
  expect(nfsroot).toMatch(/^nfsroot=10.0.2.2:.*\/home\/nfsroot\/alice\/root,v3,tcp,port=\d+,mountport=\d+,/);
  expect(said.filter((line) => /^(\$|=>) /.test(line))).toEqual([
    `$ ${ssh} alice get-config`,
    `$ ${shared} -tt -M alice console`,
    `$ ${shared} alice untar - < ${files}/root.tar`,
    `$ rsync -L --rsh='${shared}' ${files}/linux ${files}/initrd alice:`,
    `$ ${shared} alice reset`,
    `=> tftpboot \${kernel_addr_r} linux`,
    `=> tftpboot \${ramdisk_addr_r} initrd`,
    `=> setenv bootargs console=ttyAMA0 ${nfsroot}`,
    `=> booti \${kernel_addr_r} \${ramdisk_addr_r}`,
  ]);
  expect(readFileSync(join(demo.home, 'tftproot/initrd'), 'utf8')).toBe('text');
  expect(readFileSync(join(demo.home, 'nfsroot/alice/root/etc/hostname'), 'utf8')).toBe('text');
  await boardIsFree();
});

test.each([
  [
    'no file',
    /^waited for U-Boot to do "tftpboot .* linux": the board says "TFTP error: 'File not found' \(1\)"/,
  ],
  ['panic', /^waited for a shell on the board: the board says "Kernel panic - not syncing: VFS: no root"/],
  ['end', /^waited for .*: the console has ended; the console said last:\n(.*\n)* {2}\| Starting kernel/],
])('a board with the fault "%s"', async (fault, message) => {
  await expect(boot(played(fault))).rejects.toThrow(message);
  await boardIsFree();
});

test('a root that is not by NFS is no proof', async () => {
  await expect(boot(played('ramfs'), (board) => proof(board, kit))).rejects.toThrow(
    /^the board's root is not by NFS: .*; rootfs rootfs rw 0 0;/,
  );
});

test.each([
  ['--uboot', '--nonsense=1', /^get-config: expected an option for U-Boot, got --nonsense=1$/],
  ['', '', /^get-config: expected a line for --uboot$/],
])('target_config=%j', async (first, second, message) => {
  await expect(boot(played('', `${first}\n${second}`))).rejects.toThrow(message);
});

test('an upload that fails', async () => {
  const absent = { ...kit, kernel: join(files, 'absent') };
  await expect(boot(played(''), undefined, absent)).rejects.toThrow(
    /^"rsync .* alice:" has failed \(status 23\): .*absent.*No such file/,
  );
  const broken = { ...kit, root: join(files, 'linux') };
  await expect(boot(played(''), undefined, broken)).rejects.toThrow(
    /^"ssh .* untar - .*" has failed \(status \d+\): /,
  );
  await boardIsFree();
});

test('what ssh itself says is part of the story', async () => {
  const state = played('');
  // Where the shared connection's socket would be, there is something else.
  const directory = join(demo.state, 'x'.repeat(200));
  mkdirSync(directory);
  await expect(boot({ ...state, directory })).rejects.toThrow(
    /^waited for the console: the console has ended; the console said last:\n {2}\| .*too long for Unix domain socket$/,
  );
});

test('no login shell that knows the commands', async () => {
  const state = { ...played(''), sshConfig: '/nonexistent' };
  await expect(boot(state)).rejects.toThrow(
    /^"ssh -F \/nonexistent alice get-config" has failed \(status 255\): /,
  );
});
