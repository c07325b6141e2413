/** What QEMU needs to boot a guest: Debian's kernel, and an initramfs with programs of this machine. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { CpioArchive } from '../../src/demo/images/cpio.ts';
import { kernelModules } from '../../src/demo/images/kernel-modules.ts';
import { GROUP, PASSWD } from './guest-accounts.ts';
import { KERNEL_DIRECTORY, kernelImage } from './guest-kernel.ts';
import { addTools, findPrograms } from './guest-tools.ts';

const MODULES = ['virtio_pci', 'virtio_net', 'virtio_console', 'nfsv3'];
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
  /** Further options of QEMU's; the serial lines come after the one of the kernel's messages. */
  readonly qemu?: readonly string[];
  /** What comes before QEMU, to run it in another network. */
  readonly before?: readonly string[];
}

export interface GuestImage {
  /** For the files of this guest; with the initramfs. */
  readonly directory: string;
  readonly initramfs: string;
  /** QEMU and its options, but for the serial line. */
  readonly argv: readonly string[];
  remove(): void;
}

function initramfs(options: GuestOptions, programs: readonly string[]): Buffer {
  const archive = new CpioArchive();
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
  const modules = kernelModules(KERNEL_DIRECTORY, MODULES);
  for (const { name, data } of modules) archive.file(`modules/${name}.ko`, data);
  archive.file('modules/order', modules.map(({ name }) => `${name}\n`).join(''));
  for (const [name, data] of Object.entries(options.files ?? {})) archive.file(name, data);
  return archive.bytes();
}

/**
 * @param tools programs of this machine that the guest has besides busybox and bash
 * @throws Error that says what is missing on this machine
 */
export function makeGuestImage(options: GuestOptions, tools: readonly string[]): GuestImage {
  const [qemu = '', ...programs] = findPrograms(['qemu-system-x86_64', 'busybox', 'bash', ...tools]);
  const kernel = kernelImage();
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'guest-'));
  const image = path.join(directory, 'initramfs');
  fs.writeFileSync(image, initramfs(options, programs));
  const commandLine = [
    ...['console=ttyS0', 'panic=-1', 'quiet', 'mitigations=off'],
    ...(options.nfsroot === undefined ? [] : [`nfsroot=${options.nfsroot}`]),
  ];
  return {
    directory,
    initramfs: image,
    argv: [
      ...(options.before ?? []),
      ...[qemu, '-accel', 'tcg', '-m', String(options.memory ?? 768)],
      ...['-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none'],
      ...['-kernel', kernel, '-initrd', image, '-append', commandLine.join(' ')],
      ...['-netdev', 'user,id=net', '-device', 'virtio-net-pci,netdev=net,romfile='],
    ],
    remove: () => fs.rmSync(directory, { recursive: true, force: true }),
  };
}
