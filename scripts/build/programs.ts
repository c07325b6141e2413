/** A directory from which our programs run: bundles, wrappers, and what the programs read. */
import fs from 'node:fs';
import path from 'node:path';
import { bundle } from './bundle.ts';
import { type Architecture, koffiOf } from './native.ts';
import { type Place, writeWrappers } from './wrappers.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');

/** What `help COMMAND` shows. */
const MANUAL = 'novaboot-shell.1';

export interface Programs {
  readonly names: readonly string[];
  /** Of the machines that they are to run on. */
  readonly architectures: readonly Architecture[];
  readonly place: Place;
}

/** @param directory is made */
export async function writePrograms(
  directory: string,
  { names, architectures, place }: Programs,
): Promise<void> {
  await bundle(names, directory);
  for (const name of architectures) {
    const library = path.join(directory, `koffi-${name}.node`);
    fs.copyFileSync(koffiOf(name), library);
    fs.chmodSync(library, 0o644);
  }
  fs.writeFileSync(path.join(directory, 'package.json'), '{ "type": "commonjs" }\n');
  fs.copyFileSync(path.join(ROOT, 'docs', MANUAL), path.join(directory, MANUAL));
  writeWrappers(directory, names, place);
}
