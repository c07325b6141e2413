/**
 * Bundles programs of bin/, so that they run with no node_modules. Of native code, koffi's library is to lie beside the
 * bundles; ssh2's is left out, which has the same in JavaScript.
 */
import fs from 'node:fs';
import path from 'node:path';
import { build, type Plugin } from 'rolldown';

const ROOT = path.resolve(import.meta.dirname, '../..');
const BIN = path.join(ROOT, 'bin');

/** The names of all programs. */
export const PROGRAMS: readonly string[] = fs
  .readdirSync(BIN)
  .filter((name) => name.endsWith('.ts'))
  .map((name) => path.basename(name, '.ts'));

/** Its other ways to find the library would look at places that are not ours. */
const KOFFI = "module.exports = require('./koffi-' + process.arch + '.node');";
const ABSENT = "throw new Error('left out');";

const nativeParts: Plugin = {
  name: 'native-parts',
  resolveId(source) {
    if (source === 'koffi') return '\0koffi.cjs';
    if (source === 'cpu-features' || source.endsWith('.node')) return '\0absent.cjs';
    return undefined;
  },
  load(id) {
    if (id === '\0koffi.cjs') return KOFFI;
    return id === '\0absent.cjs' ? ABSENT : undefined;
  },
};

/** Writes the bundles of the programs into a directory, and nothing else. */
export async function bundle(programs: readonly string[], directory: string): Promise<void> {
  // One by one: a chunk that two programs share would hold what either of them needs of a package.
  for (const name of programs) {
    await build({
      input: { [name]: path.join(BIN, `${name}.ts`) },
      platform: 'node',
      plugins: [nativeParts],
      logLevel: 'warn',
      // What one program loads when it is needed, another one may need at once.
      checks: { ineffectiveDynamicImport: false },
      output: { dir: directory, format: 'cjs', minify: true, chunkFileNames: 'chunk-[name]-[hash].js' },
    });
  }
}
