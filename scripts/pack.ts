/**
 * Builds npm/, which `npm pack` packs: programs for both architectures, that run wherever npm installs them with the Node
 * that npm installs beside. The units are for npm's usual prefix, /usr/local.
 */
import fs from 'node:fs';
import path from 'node:path';
import { PROGRAMS } from './build/bundle.ts';
import { ARCHITECTURES } from './build/native.ts';
import { writePrograms } from './build/programs.ts';
import { copyUnits } from './build/units.ts';
import type { Place } from './build/wrappers.ts';

const root = path.resolve(import.meta.dirname, '..');
const target = path.join(root, 'npm');
const installed = '/usr/local/lib/node_modules/novaboot-server/npm';

/**
 * npm's programs are links to the wrappers. Node is in our own node_modules, or, in a project, in the project's; not by
 * its link in .bin, which npm 9 takes away with the Node that it skips.
 */
const place: Place = {
  prepare: `here=$(/usr/bin/readlink -f "$0")
here=\${here%/*}
for node in "$here"/../node_modules/node-linux-*/bin/node "$here"/../../node-linux-*/bin/node; do
  [ ! -x "$node" ] || break
done
`,
  node: '"$node"',
  program: (name) => `"$here/${name}.js"`,
};

process.umask(0o022);
fs.rmSync(target, { recursive: true, force: true });
const names = PROGRAMS.filter((name) => name !== 'novaboot-demo');
await writePrograms(target, { names, architectures: ARCHITECTURES, place });
copyUnits(path.join(root, 'units'), path.join(target, 'units'), installed);
