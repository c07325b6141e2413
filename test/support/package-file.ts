/** The Debian packages that tests install: made when one is wanted that is not there, or older than its sources. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { CACHE } from './debian-tree.ts';

const REPOSITORY = path.resolve(import.meta.dirname, '../..');
const PACKAGES = path.join(CACHE, 'packages');
const SOURCES = [
  'CHANGELOG.md',
  'bin',
  'docs',
  'packaging',
  'scripts',
  'src',
  'units',
  'package.json',
  'package-lock.json',
];
/** For bundling, and for packing Node. */
export const PACKAGE_MS = 120_000;

/** @returns milliseconds since 1970 */
function lastChange(): number {
  const times = SOURCES.flatMap((source) => {
    const file = path.join(REPOSITORY, source);
    const inside = fs.statSync(file).isDirectory()
      ? fs.readdirSync(file, { recursive: true, encoding: 'utf8' }).map((name) => path.join(file, name))
      : [];
    return [file, ...inside].map((name) => fs.statSync(name).mtimeMs);
  });
  return Math.max(...times);
}

/**
 * @param version another one than this repository's: the same programs, for upgrades
 * @returns the package of this machine's architecture
 */
export function packageFile(version?: string): string {
  const directory = path.join(PACKAGES, version ?? 'current');
  fs.mkdirSync(directory, { recursive: true });
  const find = () => fs.readdirSync(directory).find((name) => name.endsWith('.deb'));
  const before = find();
  if (before && fs.statSync(path.join(directory, before)).mtimeMs > lastChange()) {
    return path.join(directory, before);
  }
  // Several test files may want it at once; who waited finds it made.
  const script = `exec 9>"$1/lock"; flock 9
    [ -z "$(find "$1" -name '*.deb' -newermt "@$2")" ] || exit 0
    directory=$1 since=$2; shift 2; "$@" 9>&-
    find "$directory" -name '*.deb' ! -newermt "@$since" -delete`;
  const make = [process.execPath, path.join(REPOSITORY, 'scripts/package.ts'), '--compress', 'fast'];
  const options = ['--output', directory, ...(version ? ['--version', version] : [])];
  const argv = ['-ec', script, 'sh', directory, String(lastChange() / 1000), ...make, ...options];
  execFileSync('sh', argv, { cwd: REPOSITORY, stdio: ['ignore', 'ignore', 'inherit'] });
  const made = find();
  if (!made) throw new Error(`scripts/package.ts has made no package in ${directory}`);
  return path.join(directory, made);
}
