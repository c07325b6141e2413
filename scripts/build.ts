/**
 * Bundles each program of bin/ into dist/ and writes the wrapper that is installed as the login shell. Packages with
 * native parts stay outside the bundles, in node_modules.
 */
import fs from 'node:fs';
import path from 'node:path';
import { build } from 'rolldown';
import { LOCALE_PREFIX } from '../src/shell/environment.ts';

const root = path.resolve(import.meta.dirname, '..');
const dist = path.join(root, 'dist');
const node = fs.realpathSync(path.join(root, 'node_modules/.bin/node'));
const programs = fs.readdirSync(path.join(root, 'bin')).filter((name) => name.endsWith('.ts'));

/** Variables that reach Node as they are; what the SSH client or a key's options add to them stays outside. */
const ENVIRONMENT = [
  ...['HOME', 'USER', 'LOGNAME', 'SHELL', 'TERM', 'XDG_RUNTIME_DIR', 'DBUS_SESSION_BUS_ADDRESS'],
  ...['SSH_CONNECTION', 'SSH_CLIENT', 'SSH_TTY', 'SSH_ORIGINAL_COMMAND', 'NOVABOOT_SHELL_CONFIG'],
];

/** Locales, under another name: V8 crashes on some that are none (12 letters are enough). */
const LOCALE = [
  'LANG',
  'LC_ALL',
  'LC_COLLATE',
  'LC_CTYPE',
  'LC_MESSAGES',
  'LC_MONETARY',
  'LC_NUMERIC',
  'LC_TIME',
];

/** A word for /bin/sh. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function wrapper(script: string): string {
  const copies = [
    ...ENVIRONMENT.map((name) => [name, name]),
    ...LOCALE.map((name) => [name, `${LOCALE_PREFIX}${name}`]),
  ];
  const passed = copies.map(([name, copy]) => `\${${name}+"${copy}=$${name}"}`).join(' ');
  return `#!/bin/sh
# The login shell of board accounts: nothing that a client can put into the environment steers Node.
exec /usr/bin/env -i NOVABOOT_NOFILE="$(ulimit -S -n)" ${passed} \\
  ${quoted(node)} ${quoted(script)} "$@"
`;
}

// Made beside the old one, so that a running installation is not without its programs meanwhile.
process.umask(0o022);
const fresh = `${dist}.new`;
const old = `${dist}.old`;
for (const directory of [fresh, old]) fs.rmSync(directory, { recursive: true, force: true });
await build({
  input: Object.fromEntries(
    programs.map((name) => [path.basename(name, '.ts'), path.join(root, 'bin', name)]),
  ),
  platform: 'node',
  external: ['koffi', 'ssh2'],
  logLevel: 'warn',
  output: { dir: fresh, format: 'cjs', minify: true, chunkFileNames: 'chunk-[name]-[hash].js' },
});
fs.writeFileSync(path.join(fresh, 'package.json'), '{ "type": "commonjs" }\n');
fs.writeFileSync(path.join(fresh, 'novaboot-shell'), wrapper(path.join(dist, 'novaboot-shell.js')), {
  mode: 0o755,
});
if (fs.existsSync(dist)) fs.renameSync(dist, old);
fs.renameSync(fresh, dist);
fs.rmSync(old, { recursive: true, force: true });
