/** The files of the Debian package, as they lie on the host that it is installed on. */
import fs from 'node:fs';
import path from 'node:path';
import { PROGRAMS } from '../build/bundle.ts';
import { type Architecture, nodeOf } from '../build/native.ts';
import { writePrograms } from '../build/programs.ts';
import { copyUnits } from '../build/units.ts';
import { fixedPlace } from '../build/wrappers.ts';
import { writeDocumentation } from './documentation.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const UNITS = path.join(ROOT, 'units');
const PACKAGING = path.join(ROOT, 'packaging');
const LIBRARY = 'usr/lib/novaboot-server';

/** For the user managers of board accounts; all others are the system's. */
const USER_UNITS = /^novaboot-(nfsd@|delayed-power-off)/;

/** Where users and administrators find a program that lies in LIBRARY. */
const COMMANDS: Readonly<Record<string, string>> = {
  'novaboot-shell': 'usr/bin',
  'novaboot-admin': 'usr/sbin',
  'adduser-novaboot': 'usr/sbin',
  'novaboot-power': 'usr/sbin',
  'novaboot-tftpd': 'usr/sbin',
};

/** Files of packaging/, and where they go. */
const FILES: Readonly<Record<string, string>> = {
  'user-systemctl': `${LIBRARY}/user-systemctl`,
  'tftpd.conf': 'etc/novaboot/tftpd.conf',
  'sysusers.conf': 'usr/lib/sysusers.d/novaboot-server.conf',
  // First of all, so that whoever sets it higher has the last word.
  'sysctl.conf': 'usr/lib/sysctl.d/10-novaboot-server.conf',
  'lintian-overrides': 'usr/share/lintian/overrides/novaboot-server',
};

function copy(from: string, to: string, mode = 0o644): void {
  fs.mkdirSync(path.dirname(to), { recursive: true });
  fs.copyFileSync(from, to);
  fs.chmodSync(to, mode);
}

async function writeLibrary(tree: string, architecture: Architecture): Promise<void> {
  const library = path.join(tree, LIBRARY);
  const names = PROGRAMS.filter((name) => name !== 'novaboot-demo');
  const place = fixedPlace(`/${LIBRARY}/node`, `/${LIBRARY}`);
  await writePrograms(library, { names, architectures: [architecture], place });
  copy(path.join(nodeOf(architecture), 'bin/node'), path.join(library, 'node'), 0o755);
  for (const [name, directory] of Object.entries(COMMANDS)) {
    fs.mkdirSync(path.join(tree, directory), { recursive: true });
    fs.symlinkSync(`../lib/novaboot-server/${name}`, path.join(tree, directory, name));
  }
}

function writeUnits(tree: string): void {
  for (const name of fs.readdirSync(UNITS).filter((entry) => !entry.endsWith('.sudoers'))) {
    const manager = USER_UNITS.test(name) ? 'user' : 'system';
    copyUnits(path.join(UNITS, name), path.join(tree, 'usr/lib/systemd', manager, name), `/${LIBRARY}`);
  }
  const sudoers = path.join(tree, 'etc/sudoers.d/novaboot-server');
  copyUnits(path.join(UNITS, 'novaboot.sudoers'), sudoers, `/${LIBRARY}`);
  fs.chmodSync(sudoers, 0o440);
}

/** Writes the package's files beneath an empty directory. */
export async function writeTree(tree: string, version: string, architecture: Architecture): Promise<void> {
  await writeLibrary(tree, architecture);
  writeUnits(tree);
  for (const [name, to] of Object.entries(FILES)) {
    const mode = name === 'user-systemctl' ? 0o755 : 0o644;
    copy(path.join(PACKAGING, name), path.join(tree, to), mode);
  }
  fs.mkdirSync(path.join(tree, 'etc/novaboot/tftpd.conf.d'));
  writeDocumentation(tree, version, architecture);
}
