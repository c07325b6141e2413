/** What dpkg reads of a package (deb-control(5)): DEBIAN/ in its tree. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { MAINTAINER } from './changelog.ts';

const PACKAGING = path.resolve(import.meta.dirname, '../../packaging');
const SCRIPTS = ['postinst', 'prerm', 'postrm'];

/** All files, relative to the tree. */
function filesOf(tree: string): string[] {
  return fs
    .readdirSync(tree, { recursive: true, encoding: 'utf8' })
    .filter((name) => fs.lstatSync(path.join(tree, name)).isFile())
    .toSorted();
}

/** In KiB, a directory or link counting as one: deb-substvars(5), Installed-Size. */
function installedSize(tree: string): number {
  const sizes = fs.readdirSync(tree, { recursive: true, encoding: 'utf8' }).map((name) => {
    const stats = fs.lstatSync(path.join(tree, name));
    return stats.isFile() ? Math.ceil(stats.size / 1024) : 1;
  });
  return sizes.reduce((sum, size) => sum + size, 0);
}

function digest(file: string): string {
  return createHash('md5').update(fs.readFileSync(file)).digest('hex');
}

/**
 * The epoch 1 makes the package newer than the one of the shell scripts, whose versions are dates.
 *
 * @param architecture Debian's name
 */
export function writeControl(tree: string, version: string, architecture: string): void {
  const values: Readonly<Record<string, string>> = {
    DEBIAN_VERSION: `1:${version}`,
    ARCHITECTURE: architecture,
    MAINTAINER,
    INSTALLED_SIZE: String(installedSize(tree)),
  };
  const files = filesOf(tree);
  const configuration = files.filter((name) => name.startsWith('etc/'));
  const control = path.join(tree, 'DEBIAN');
  fs.mkdirSync(control);
  const template = fs.readFileSync(path.join(PACKAGING, 'control'), 'utf8');
  const written = {
    control: template.replaceAll(/@(\w+)@/g, (_, name) => values[name] ?? ''),
    conffiles: configuration.map((name) => `/${name}\n`).join(''),
    md5sums: files
      .filter((name) => !configuration.includes(name))
      .map((name) => `${digest(path.join(tree, name))}  ${name}\n`)
      .join(''),
  };
  for (const [name, text] of Object.entries(written)) fs.writeFileSync(path.join(control, name), text);
  for (const name of SCRIPTS) {
    fs.copyFileSync(path.join(PACKAGING, name), path.join(control, name));
    fs.chmodSync(path.join(control, name), 0o755);
  }
}
