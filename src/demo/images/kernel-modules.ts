/** The modules of one of Debian's kernels, in the order in which they can be loaded. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { zstdDecompressSync } from 'node:zlib';

export interface Module {
  readonly name: string;
  readonly data: Buffer;
}

function readModule(file: string): Buffer {
  if (file.endsWith('.xz')) return execFileSync('xz', ['-dc', file], { maxBuffer: 1 << 28 });
  const data = fs.readFileSync(file);
  return file.endsWith('.zst') ? zstdDecompressSync(data) : data;
}

/** Modules are called with hyphens and underscores alike. */
function moduleName(text: string): string {
  return path
    .basename(text)
    .replace(/\.ko(\.xz|\.zst)?$/, '')
    .replaceAll('-', '_');
}

/**
 * The modules and those that they need, which come first. The package has no modules.dep (depmod(8) makes it); each
 * module says `depends=NAME,...` itself, in a section of NUL-terminated strings. What is not found is built in.
 *
 * @param directory the unpacked package, or a part of it
 */
export function kernelModules(directory: string, names: readonly string[]): Module[] {
  const files = new Map<string, string>();
  for (const file of fs.readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    if (/\.ko(\.xz|\.zst)?$/.test(file)) files.set(moduleName(file), path.join(directory, file));
  }
  const modules = new Map<string, Module>();
  const seen = new Set<string>();
  const visit = (name: string) => {
    const file = files.get(name);
    if (seen.has(name) || file === undefined) return;
    seen.add(name);
    const data = readModule(file);
    const [, depends = ''] = /\0depends=([^\0]*)\0/.exec(data.toString('latin1')) ?? [];
    for (const needed of depends.split(',')) visit(moduleName(needed));
    modules.set(name, { name, data });
  };
  for (const name of names) visit(name);
  return [...modules.values()];
}
