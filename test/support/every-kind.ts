/** A directory with every kind of file in it, and its listing. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { type Listing, listTreeAsRoot } from './tree-listing.ts';

const SCRIPT = path.resolve(import.meta.dirname, 'every-kind.sh');
const asRoot = process.getuid?.() === 0 ? [] : ['sudo', '-n'];

/** Makes it. @param account one of the owners */
export function makeEveryKind(directory: string, account: number): void {
  fs.mkdirSync(directory);
  const argv = [...asRoot, 'env', `NODE=${process.execPath}`, 'sh', SCRIPT, String(account)];
  execFileSync(argv[0] ?? '', argv.slice(1), { cwd: directory });
}

export function listEveryKind(directory: string): Listing {
  return listTreeAsRoot(asRoot, directory);
}
