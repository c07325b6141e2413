/**
 * Builds dist/, from which the programs run where this repository lies: the bundles, the wrappers that start them, and
 * the units in dist/units.
 */
import fs from 'node:fs';
import path from 'node:path';
import { PROGRAMS } from './build/bundle.ts';
import { runningArchitecture } from './build/native.ts';
import { writePrograms } from './build/programs.ts';
import { copyUnits } from './build/units.ts';
import { fixedPlace } from './build/wrappers.ts';

const root = path.resolve(import.meta.dirname, '..');
const dist = path.join(root, 'dist');
const node = fs.realpathSync(path.join(root, 'node_modules/.bin/node'));

// Made beside the old one, so that a running installation is not without its programs meanwhile.
process.umask(0o022);
const fresh = `${dist}.new`;
const old = `${dist}.old`;
for (const directory of [fresh, old]) fs.rmSync(directory, { recursive: true, force: true });
await writePrograms(fresh, {
  names: PROGRAMS,
  architectures: [runningArchitecture()],
  place: fixedPlace(node, dist),
});
copyUnits(path.join(root, 'units'), path.join(fresh, 'units'), dist);
if (fs.existsSync(dist)) fs.renameSync(dist, old);
fs.renameSync(fresh, dist);
// Packages, which scripts/package.ts puts there
const packages = fs.existsSync(old) ? fs.readdirSync(old).filter((name) => /\.(deb|tgz)$/.test(name)) : [];
for (const name of packages) fs.renameSync(path.join(old, name), path.join(dist, name));
fs.rmSync(old, { recursive: true, force: true });
