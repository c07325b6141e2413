/** What the Debian package has in it, and how it stands to that of the shell scripts. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { DEBIAN_MS } from '../support/debian-tree.ts';
import { PACKAGE_MS, packageFile } from '../support/package-file.ts';
import { inFreshDebian, type PackageTree, unpackPackage } from '../support/package-tree.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const LIBRARY = 'usr/lib/novaboot-server';
let tree: PackageTree;
let entries: { mode: string; owner: string; name: string }[];

const dpkgDeb = (...words: string[]) => execFileSync('dpkg-deb', words, { encoding: 'utf8' });
const names = () => entries.map(({ name }) => name);
const text = (name: string) => fs.readFileSync(path.join(tree.directory, name), 'utf8');

beforeAll(() => {
  tree = unpackPackage();
  entries = dpkgDeb('-c', packageFile())
    .trim()
    .split('\n')
    .map((line) => line.split(/\s+/))
    .map(([mode = '', owner = '', , , , name = '']) => ({ mode, owner, name: name.replace(/^\.\//, '') }))
    .filter(({ name }) => name !== '');
}, DEBIAN_MS);
afterAll(() => tree?.remove());

it('all is root’s, and nobody else may write it', () => {
  expect(entries.filter(({ owner }) => owner !== 'root/root')).toEqual([]);
  const odd = entries.filter(({ mode }) => !/^(drwxr-xr-x|-rwxr-xr-x|-rw-r--r--|lrwxrwxrwx)$/.test(mode));
  expect(odd).toEqual([{ mode: '-r--r-----', owner: 'root/root', name: 'etc/sudoers.d/novaboot-server' }]);
});

it('has programs, units and pages, and what they name is in it', () => {
  const units = fs
    .readdirSync(path.join(ROOT, 'units'))
    .filter((name) => /\.(service|socket|timer|path)$/.test(name));
  const found = names().filter((name) => /^usr\/lib\/systemd\/(system|user)\/[^/]+[^/]$/.test(name));
  expect(found.map((name) => path.basename(name)).toSorted()).toEqual(units.toSorted());
  const pages = fs
    .readdirSync(path.join(ROOT, 'docs'))
    .filter((name) => /\.\d$/.test(name) && !/demo/.test(name));
  expect(
    names()
      .filter((name) => /man\d\/.+\.gz$/.test(name))
      .map((name) => path.basename(name, '.gz')),
  ).toEqual(expect.arrayContaining(pages));
  const named = [...found, 'etc/sudoers.d/novaboot-server'].flatMap((name) =>
    [...text(name).matchAll(/\/usr\/lib\/(novaboot-server\/[\w-]+)/g)].map(
      ([, program]) => `usr/lib/${program}`,
    ),
  );
  expect(named.length).toBeGreaterThan(10);
  expect(names()).toEqual(expect.arrayContaining(named));
});

it('names no place where it was built, or that only a clone has', () => {
  const files = names().filter((name) => !/[/]$|\/node$|\.node$|\.gz$|\.md$|^usr\/s?bin\//.test(name));
  const foreign = files.filter(
    (name) => /\/opt\/novaboot-server/.test(text(name)) || text(name).includes(ROOT),
  );
  expect(foreign).toEqual([]);
  expect(names().filter((name) => /node_modules|demo|\.map$|\.ts$/.test(name))).toEqual([]);
});

it('the administrator’s files are marked as such', () => {
  const listed = dpkgDeb('-I', packageFile(), 'conffiles').trim().split('\n');
  expect(listed.toSorted()).toEqual(
    names()
      .filter((name) => /^etc\/.*[^/]$/.test(name))
      .map((name) => `/${name}`)
      .toSorted(),
  );
});

it(
  'is the same again, byte by byte, whoever makes it and wherever it is put',
  () => {
    const made = fs.readFileSync(packageFile());
    // deb(5): the date of the first member.
    const date = made.toString('latin1', 24, 36).trim();
    const output = fs.mkdtempSync(path.join(os.tmpdir(), 'again-'));
    try {
      const words = [path.join(ROOT, 'scripts/package.ts'), '--compress', 'fast', '--output', output];
      const env = { ...process.env, SOURCE_DATE_EPOCH: date, TZ: 'Asia/Tokyo', LC_ALL: 'C' };
      execFileSync(process.execPath, words, { cwd: output, env, stdio: ['ignore', 'ignore', 'inherit'] });
      const again = fs.readFileSync(path.join(output, path.basename(packageFile())));
      expect(again.equals(made)).toBe(true);
    } finally {
      fs.rmSync(output, { recursive: true });
    }
  },
  PACKAGE_MS,
);

it('is newer than the package that it replaces', () => {
  const version = dpkgDeb('-f', packageFile(), 'Version').trim();
  expect(version).toBe(`1:${packageJson.version}`);
  execFileSync('dpkg', ['--compare-versions', version, 'gt', '20220425a']);
});

/** The package of the shell scripts, as far as dpkg cares. */
const ORIGINAL = `mkdir -p /o/DEBIAN /o/etc/sudoers.d /o/lib/systemd/system /o/usr/bin /o/usr/sbin
printf 'Package: novaboot-server\\nVersion: 20220425a\\nArchitecture: all\\nMaintainer: a <a@b.c>\\nDescription: scripts\\n' >/o/DEBIAN/control
echo /etc/sudoers.d/novaboot-server >/o/DEBIAN/conffiles
for file in etc/sudoers.d/novaboot-server lib/systemd/system/novaboot-power@.service usr/bin/novaboot-shell usr/sbin/adduser-novaboot; do echo '# original' >/o/$file; done
dpkg-deb --root-owner-group -b /o /o.deb >/dev/null
dpkg -i /o.deb >/dev/null
`;

it('takes the place of that package, goes with what it brought, and leaves what is the boards’', () => {
  const script = `${ORIGINAL}
    dpkg -i /packages/ours.deb >/dev/null
    readlink -f /usr/bin/novaboot-shell; grep -c original /etc/sudoers.d/novaboot-server /usr/lib/systemd/system/novaboot-power@.service || :
    grep novaboot /etc/shells; getent group novaboot | cut -d : -f 1; getent passwd novaboot-tftpd | cut -d : -f 6-
    useradd -m -g novaboot -s /usr/bin/novaboot-shell board; mkdir /srv/tftp/board; touch /etc/novaboot/lab.yaml
    echo == removal; dpkg -r novaboot-server 2>&1 >/dev/null
    echo == purge; dpkg -P novaboot-server 2>&1 >/dev/null
    ls -d /home/board /srv/tftp/board; find /usr /etc /var -name '*novaboot*' -not -path '/var/lib/dpkg/*' -not -name novaboot-tree; getent passwd board | cut -d : -f 7; ls /etc/novaboot; grep -c novaboot /etc/shells || :`;
  const { status, stdout, stderr } = inFreshDebian(script, { 'ours.deb': packageFile() });
  expect(status, stderr).toBe(0);
  const [installed, removal, purge] = stdout.split(/^== .*\n/m);
  expect(installed).toBe(`/${LIBRARY}/novaboot-shell
/etc/sudoers.d/novaboot-server:0
/usr/lib/systemd/system/novaboot-power@.service:0
/usr/bin/novaboot-shell
/${LIBRARY}/novaboot-shell
novaboot
/nonexistent:/usr/sbin/nologin
`);
  expect(removal).toMatch(/nobody can log in any more to these accounts, whose login shell goes: board$/m);
  expect(purge).toBe(`novaboot-server: the accounts of boards, their homes and /srv/tftp are left as they are
dpkg: warning: while removing novaboot-server, directory '/etc/novaboot' not empty so not removed
/home/board
/srv/tftp/board
/etc/novaboot
/usr/bin/novaboot-shell
lab.yaml
0
`);
}, 120_000);
