/** Where the dynamic linker looks for libraries: ld.so(8). */
import type { StoredTree } from '../../rootfs/stored-tree.ts';
import { type Elf, machineOf } from './elf.ts';

const DIRECTORIES = ['lib', 'usr/lib', 'lib64', 'usr/lib64', 'lib32', 'usr/lib32', 'libx32', 'lib64/lp64d'];
/** What the loader of musl is itself, under every one of these names: ldso/dynlink.c, load_library(). */
const IN_MUSL = /^lib(c|pthread|rt|m|dl|util|xnet)\./;
const MAX_DIRECTORIES = 100;

/** Debian's, for one architecture each: /usr/lib/aarch64-linux-gnu. */
function architectureDirectories(tree: StoredTree): string[] {
  return ['lib', 'usr/lib'].flatMap((directory) =>
    tree
      .names(directory)
      .filter((name) => /^\w+-linux-\w+$/.test(name))
      .map((name) => `${directory}/${name}`),
  );
}

/** The configuration of ldconfig(8), and that of musl. */
function configuredDirectories(tree: StoredTree): string[] {
  const parts = tree.names('etc/ld.so.conf.d').map((name) => `etc/ld.so.conf.d/${name}`);
  const musl = tree.names('etc').filter((name) => /^ld-musl-.*\.path$/.test(name));
  const files = ['etc/ld.so.conf', ...parts, ...musl.map((name) => `etc/${name}`)];
  const text = files.map((name) => tree.read(name, 4096)?.toString('latin1') ?? '').join('\n');
  return text.split(/[\s:]+/).filter((name) => name.startsWith('/'));
}

/** @param program its path from the top @returns names of libraries that are nowhere, or for another architecture only */
export function missingLibraries(
  tree: StoredTree,
  program: string,
  { needed, searched, machine, interpreter }: Elf,
): string[] {
  const origin = `/${program.split('/').slice(0, -1).join('/')}`;
  const own = searched.map((name) => name.replace(/\$(ORIGIN|\{ORIGIN\})/g, origin));
  const directories = [
    ...own,
    ...DIRECTORIES,
    ...architectureDirectories(tree),
    ...configuredDirectories(tree),
  ].slice(0, MAX_DIRECTORIES);
  const isMusl = interpreter?.includes('/ld-musl-') === true;
  const isThere = (name: string) =>
    (isMusl && IN_MUSL.test(name)) ||
    (name.includes('/') ? [name] : directories.map((directory) => `${directory}/${name}`)).some((file) => {
      const start = tree.read(file, 20);
      const library = start && machineOf(start);
      return library?.number === machine.number && library.bits === machine.bits;
    });
  return needed.filter((name) => !isThere(name));
}
