/** The package's copyright file: ours, and those of the npm packages of which the bundles have parts. */
import fs from 'node:fs';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '../..');

/** With all that they need themselves. Node's own is a file beside. */
const PACKAGES = [
  ...[
    'asn1',
    'bcrypt-pbkdf',
    'dotenv',
    'execa',
    'ini',
    'ipaddr.js',
    'koffi',
    'safer-buffer',
    'ssh2',
    'tweetnacl',
  ],
  ...['yaml', 'zod'],
];

function licenseOf(name: string): string {
  const directory = path.join(ROOT, 'node_modules', name);
  const file = fs.readdirSync(directory).find((entry) => /^licen[cs]e(\.\w+)?$/i.test(entry));
  if (file === undefined) throw new Error(`${name} has no license file`);
  return fs.readFileSync(path.join(directory, file), 'utf8').trim();
}

export function copyright(): string {
  const own = fs.readFileSync(path.join(ROOT, 'LICENSE'), 'utf8').trim();
  const others = PACKAGES.map((name) => `The npm package ${name}\n\n${licenseOf(name)}`);
  const node = 'Node.js, with what is in it: /usr/share/doc/novaboot-server/LICENSE.node.gz';
  return `${[`novaboot-server\n\n${own}`, node, ...others].join(`\n\n${'-'.repeat(78)}\n\n`)}\n`;
}
