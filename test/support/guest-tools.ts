/** Programs of this machine, with their libraries, for a guest of the same architecture. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import type { CpioArchive } from '../../src/demo/images/cpio.ts';

/** The Debian package of each program, where its name is another. */
const PACKAGES: Readonly<Record<string, string>> = {
  ...{
    busybox: 'busybox-static',
    getfattr: 'attr',
    setfattr: 'attr',
    setcap: 'libcap2-bin',
    setfacl: 'acl',
    setpriv: 'util-linux',
    perl: 'perl-base',
    'dpkg-deb': 'dpkg',
  },
  'qemu-system-x86_64': 'qemu-system-x86',
};

/** @throws Error that names the packages that are missing */
export function findPrograms(names: readonly string[]): string[] {
  const directories = `${process.env.PATH}:/usr/sbin:/sbin`
    .split(':')
    .filter((word) => word.startsWith('/usr/'));
  const missing: string[] = [];
  const found = names.flatMap((name) => {
    const file = directories
      .map((directory) => path.join(directory, name))
      .find((file) => fs.existsSync(file));
    if (file === undefined) missing.push(PACKAGES[name] ?? name);
    return file ?? [];
  });
  if (missing.length === 0) return found;
  throw new Error(
    `Missing programs; install them with: sudo apt-get install ${[...new Set(missing)].join(' ')}`,
  );
}

/** The libraries that ldd(1) names; none for a static program or a script. */
export function librariesOf(program: string): string[] {
  try {
    const text = execFileSync('ldd', [program], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return [...text.matchAll(/(?:=> |^\s+)(\/\S+) \(0x/gm)].map(([, library = '']) => library);
  } catch {
    return [];
  }
}

/** Puts programs under their own paths; in the guest /bin, /sbin, /lib and /lib64 are links into /usr. */
export function addTools(archive: CpioArchive, programs: readonly string[]): void {
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) {
    archive.directory(`usr/${name}`);
    archive.symlink(name, `usr/${name}`);
  }
  for (const program of programs) {
    for (const file of [program, ...librariesOf(program)]) {
      archive.file(file.replace(/^\/(bin|sbin|lib|lib64)\//, '/usr/$1/'), fs.readFileSync(file), 0o755);
    }
  }
}
