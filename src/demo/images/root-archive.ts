/**
 * The root file system of the demo's board: busybox, with what shows that the server keeps all that a root file system
 * has: owners, devices, and a set-user-ID program.
 */
import path from 'node:path';
import type { TarEntry } from '../../tar/entry.ts';
import { END_MARKER, headerOf, padding } from '../../tar/writer.ts';

/** The board's serial line. */
const CONSOLE = 'ttyAMA0';
const DEMO_USER = 1000;

/** The commands of busybox that the board has. */
const COMMANDS = `
  ash awk base64 basename cat chgrp chmod chown chroot clear cmp cp cut date dd df diff dirname dmesg du echo ed
  egrep env expr false fgrep find free getty grep gunzip gzip halt head hexdump hostname id init ip kill killall less
  ln login ls md5sum mkdir mkfifo mknod mktemp more mount mv nc nproc passwd ping poweroff printf ps pwd readlink
  realpath reboot rm rmdir sed seq sh sha256sum sleep sort stat stty sync tail tar tee test tftp time top touch tr
  true tty umount uname uniq uptime vi watch wc wget which whoami xargs xxd yes zcat`;

/** Character devices: name, major and minor number (Documentation/admin-guide/devices.txt of Linux), mode. */
const DEVICES: readonly (readonly [string, number, number, number])[] = [
  ['null', 1, 3, 0o666],
  ['zero', 1, 5, 0o666],
  ['random', 1, 8, 0o666],
  ['urandom', 1, 9, 0o666],
  ['kmsg', 1, 11, 0o600],
  ['tty', 5, 0, 0o666],
  ['console', 5, 1, 0o600],
  [CONSOLE, 204, 64, 0o600],
];

const PASSWD = `root:x:0:0:root:/root:/bin/sh
demo:x:${DEMO_USER}:${DEMO_USER}:demo:/home/demo:/bin/sh
`;
/** No passwords. */
const SHADOW = `root::20000:0:99999:7:::
demo::20000:0:99999:7:::
`;
const GROUP = `root:x:0:
demo:x:${DEMO_USER}:
`;
const INITTAB = `::sysinit:/etc/rc
${CONSOLE}::respawn:/bin/login -f root
::ctrlaltdel:/bin/reboot
::shutdown:/bin/umount -a -r
`;
/** What is written to the board's console beside the shell would not be read: no more than errors, after booting. */
const RC = `#!/bin/sh
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs tmpfs /tmp
hostname -F /etc/hostname
dmesg -n 4
`;
const PROFILE = `export PATH=/bin PS1="$USER@\\h:\\w\\\\$ "
while read -r source directory type rest; do
  [ "$directory" != / ] || echo "The root file system of this board is $source ($type)."
done </proc/mounts
`;

class RootArchive {
  readonly #parts: Buffer[] = [];
  readonly #mtime = { seconds: Math.floor(Date.now() / 1000), nanoseconds: 0 };

  #add(
    name: string,
    entry: Pick<TarEntry, 'type' | 'mode'> & Partial<TarEntry>,
    data = Buffer.alloc(0),
  ): void {
    const header = headerOf({
      ...{ name: Buffer.from(name), uid: 0, gid: 0, major: 0, minor: 0, size: data.length },
      ...{ mtime: this.#mtime, link: Buffer.alloc(0), xattrs: new Map(), acl: {} },
      ...entry,
    });
    this.#parts.push(header, data, padding(data.length));
  }

  directory(name: string, mode = 0o755, id = 0): void {
    this.#add(`${name}/`, { type: 'directory', mode, uid: id, gid: id });
  }

  file(name: string, data: Buffer | string, mode = 0o644, id = 0): void {
    this.#add(name, { type: 'file', mode, uid: id, gid: id }, Buffer.from(data));
  }

  symlink(name: string, target: string): void {
    this.#add(name, { type: 'symlink', mode: 0o777, link: Buffer.from(target) });
  }

  device(name: string, major: number, minor: number, mode: number): void {
    this.#add(name, { type: 'character', mode, major, minor });
  }

  bytes(): Buffer {
    return Buffer.concat([...this.#parts, END_MARKER]);
  }
}

/** @param busybox the program's bytes, of the board's architecture */
export function rootArchive(busybox: Buffer): Buffer {
  const archive = new RootArchive();
  for (const name of ['bin', 'dev', 'etc', 'home', 'proc', 'sbin', 'sys']) archive.directory(name);
  archive.directory('root', 0o700);
  archive.directory('tmp', 0o1777);
  archive.directory('home/demo', 0o750, DEMO_USER);
  archive.file(
    'home/demo/README',
    'This file belongs to demo, as whom you log in by: su - demo\n',
    0o640,
    DEMO_USER,
  );
  archive.file('bin/busybox', busybox, 0o755);
  for (const name of COMMANDS.trim().split(/\s+/)) archive.symlink(path.join('bin', name), 'busybox');
  archive.symlink('sbin/init', '../bin/busybox');
  // Its name tells busybox what to do, and the mode lets everybody do it as root.
  archive.file('bin/su', busybox, 0o4755);
  for (const [name, major, minor, mode] of DEVICES)
    archive.device(path.join('dev', name), major, minor, mode);
  archive.file('etc/passwd', PASSWD);
  archive.file('etc/shadow', SHADOW, 0o600);
  archive.file('etc/group', GROUP);
  archive.file('etc/hostname', 'board\n');
  archive.file('etc/inittab', INITTAB);
  archive.file('etc/profile', PROFILE);
  archive.file('etc/rc', RC, 0o755);
  return archive.bytes();
}
