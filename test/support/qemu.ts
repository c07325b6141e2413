/**
 * A guest: a real Linux kernel in QEMU (emulated, never KVM), with the programs of this machine in its memory, that
 * runs commands for a test. 10.0.2.2 is this machine's loopback there.
 */
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { GROUP, PASSWD } from './guest-accounts.ts';
import { GuestArchive } from './guest-archive.ts';
import { kernelImage, kernelModules } from './guest-kernel.ts';
import { addTools, findPrograms } from './guest-tools.ts';
import { spawnTestChild } from './test-child.ts';

const BOOT_MS = 90_000;
const COMMAND_MS = 60_000;
const MODULES = ['virtio_pci', 'virtio_net', 'virtio_console', 'nfsv3'];
/** busybox has the rest, such as mount. */
const TOOLS = [
  ...'busybox bash tar git rsync perl setpriv flock getfattr setfattr cmp find'.split(' '),
  ...'ls stat cat cp mv rm ln mkdir mkfifo mknod chown chgrp chmod touch dd truncate readlink'.split(' '),
  ...'id date sync sha256sum sort seq wc head'.split(' '),
];
/** as USER COMMAND... */
const AS = `#!/bin/sh
user=$1
shift
exec setpriv --reuid="$user" --regid="$user" --init-groups -- "$@"
`;

export interface GuestOptions {
  /** What the guest has as root file system, as on a board's kernel command line: SERVER:PATH,OPTIONS */
  readonly nfsroot?: string;
  /** Files for the guest's memory, by path. */
  readonly files?: Readonly<Record<string, Buffer | string>>;
  /** MiB; default: 768 */
  readonly memory?: number;
}

export interface GuestResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Guest {
  /**
   * Runs a script of /bin/sh as root (`as alice COMMAND` for another user); any number at once.
   *
   * @throws Error if there is no answer within `milliseconds`, or if the guest ends
   */
  run(script: string, milliseconds?: number): Promise<GuestResult>;
  /**
   * The standard output of a script whose commands all succeed (`sh -e`), without the last newline.
   *
   * @throws Error with its output if it fails
   */
  sh(script: string, milliseconds?: number): Promise<string>;
  /** What the kernel and /init said. */
  console(): string;
  /** Ends QEMU, as a power cut does. */
  stop(): Promise<void>;
}

function initramfs(options: GuestOptions, programs: readonly string[]): Buffer {
  const archive = new GuestArchive();
  addTools(archive, programs);
  const scripts = import.meta.dirname;
  archive.file('init', fs.readFileSync(path.join(scripts, 'guest-init.sh')), 0o755);
  archive.file('guest-agent.sh', fs.readFileSync(path.join(scripts, 'guest-agent.sh')));
  archive.file('etc/passwd', PASSWD);
  archive.file('etc/group', GROUP);
  archive.file('usr/bin/as', AS, 0o755);
  archive.symlink('usr/bin/sh', 'bash');
  for (const name of ['git-upload-pack', 'git-receive-pack']) {
    archive.symlink(`usr/bin/${name}`, 'git');
  }
  const modules = kernelModules(MODULES);
  for (const { name, data } of modules) archive.file(`modules/${name}.ko`, data);
  archive.file('modules/order', modules.map(({ name }) => `${name}\n`).join(''));
  for (const [name, data] of Object.entries(options.files ?? {})) archive.file(name, data);
  return archive.bytes();
}

/** @throws Error that says what is missing on this machine, or with the console if the guest does not come up */
export async function bootGuest(options: GuestOptions = {}): Promise<Guest> {
  const [qemu = '', ...programs] = findPrograms(['qemu-system-x86_64', ...TOOLS]);
  const kernel = kernelImage();
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'guest-'));
  const log = path.join(directory, 'console.log');
  const image = path.join(directory, 'initramfs');
  fs.writeFileSync(image, initramfs(options, programs));
  const commandLine = [
    ...['console=ttyS0', 'panic=-1', 'quiet', 'mitigations=off'],
    ...(options.nfsroot === undefined ? [] : [`nfsroot=${options.nfsroot}`]),
  ];
  const argv = [
    ...[qemu, '-accel', 'tcg', '-m', String(options.memory ?? 768)],
    ...['-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none', '-serial', `file:${log}`],
    ...['-kernel', kernel, '-initrd', image, '-append', commandLine.join(' ')],
    ...['-netdev', 'user,id=net', '-device', 'virtio-net-pci,netdev=net,romfile='],
    ...['-chardev', 'stdio,id=agent,signal=off', '-device', 'virtio-serial-pci'],
    ...['-device', 'virtserialport,chardev=agent,name=agent'],
  ];
  const child = spawnTestChild(argv);
  const closed = once(child, 'close');
  let errors = '';
  child.stderr.on('data', (text: string) => {
    errors += text;
  });

  const said = () => (fs.existsSync(log) ? fs.readFileSync(log, 'utf8') : '');
  /** What waits for a line, by its first word. */
  const waiting = new Map<string, (words: readonly string[]) => void>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    const [id = '', ...words] = line.split(' ');
    waiting.get(id)?.(words);
    waiting.delete(id);
  });
  function answer(id: string, what: string, milliseconds: number): Promise<readonly string[]> {
    const { promise, resolve, reject } = Promise.withResolvers<readonly string[]>();
    const fail = (why: string) =>
      reject(new Error(`${why}: ${what}\n${errors}${said().split('\n').slice(-25).join('\n')}`));
    const timer = setTimeout(fail, milliseconds, `No answer in ${milliseconds} ms`);
    const ended = () => fail('The guest ended');
    child.once('close', ended);
    if (child.exitCode !== null || child.signalCode !== null) ended();
    waiting.set(id, resolve);
    return promise.finally(() => {
      clearTimeout(timer);
      child.off('close', ended);
      waiting.delete(id);
    });
  }

  let count = 0;
  const decoded = (word = ':') => Buffer.from(word.slice(1), 'base64').toString();
  const guest: Guest = {
    async run(script, milliseconds = COMMAND_MS) {
      const id = String(++count);
      const reply = answer(id, script, milliseconds);
      child.stdin.write(`${id} ${Buffer.from(script).toString('base64')}\n`);
      const [status, stdout, stderr] = await reply;
      return { status: Number(status), stdout: decoded(stdout), stderr: decoded(stderr) };
    },
    async sh(script, milliseconds) {
      const { status, stdout, stderr } = await guest.run(`set -e\n${script}`, milliseconds);
      if (status !== 0) throw new Error(`Status ${status} of: ${script}\n${stdout}${stderr}`);
      return stdout.replace(/\n$/, '');
    },
    console: said,
    async stop() {
      child.kill('SIGKILL');
      await closed;
      fs.rmSync(directory, { recursive: true, force: true });
    },
  };
  try {
    await answer('ready', 'boot', BOOT_MS);
    fs.rmSync(image);
  } catch (error) {
    await guest.stop();
    throw error;
  }
  return guest;
}
