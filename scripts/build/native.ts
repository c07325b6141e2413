/**
 * What is not JavaScript: Node, and koffi's library. Of this machine's architecture they are npm packages that are
 * installed; those of another one are fetched, and held against package-lock.json.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import packageLock from '../../package-lock.json' with { type: 'json' };

const ROOT = path.resolve(import.meta.dirname, '../..');
const MODULES = path.join(ROOT, 'node_modules');
const CACHE = path.join(MODULES, '.cache/novaboot-native');

/** As Node names them. */
export type Architecture = 'x64' | 'arm64';
export const ARCHITECTURES: readonly Architecture[] = ['x64', 'arm64'];

/** @throws Error for one that there are no programs for */
export function runningArchitecture(): Architecture {
  const found = ARCHITECTURES.find((name) => name === process.arch);
  if (found === undefined) throw new Error(`there are no programs for ${process.arch}`);
  return found;
}

interface Locked {
  readonly version: string;
  readonly integrity?: string;
}

/** Fetches a package and unpacks it. @throws Error if it is not the one that package-lock.json has */
function fetchPackage(name: string, { version, integrity }: Locked): string {
  const directory = path.join(CACHE, `${name.replace('/', '+')}-${version}`);
  if (fs.existsSync(directory)) return directory;
  fs.mkdirSync(CACHE, { recursive: true });
  const work = fs.mkdtempSync(path.join(CACHE, 'fetch-'));
  try {
    const words = ['pack', '--loglevel=error', '--pack-destination', work, `${name}@${version}`];
    execFileSync('npm', words, { stdio: ['ignore', 'ignore', 'inherit'] });
    const archive = path.join(work, fs.readdirSync(work)[0] ?? '');
    const digest = createHash('sha512').update(fs.readFileSync(archive)).digest('base64');
    if (integrity !== `sha512-${digest}`)
      throw new Error(`${name}@${version} is not the one that was locked`);
    execFileSync('tar', ['-xzf', archive, '-C', work, '--no-same-owner']);
    fs.renameSync(path.join(work, 'package'), directory);
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
  return directory;
}

function packageDirectory(name: string): string {
  const installed = path.join(MODULES, name);
  if (fs.existsSync(installed)) return installed;
  const packages: Readonly<Record<string, Locked>> = packageLock.packages;
  const locked = packages[`node_modules/${name}`];
  if (locked === undefined) throw new Error(`package-lock.json has no ${name}`);
  return fetchPackage(name, locked);
}

/** The package with bin/node and its LICENSE. */
export function nodeOf(architecture: Architecture): string {
  return packageDirectory(`node-linux-${architecture}`);
}

/** koffi's library, for glibc. */
export function koffiOf(architecture: Architecture): string {
  const directory = packageDirectory(`@koromix/koffi-linux-${architecture}`);
  return path.join(directory, `linux_${architecture}`, 'koffi.node');
}
