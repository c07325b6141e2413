/** The package's documentation: man pages, guides, examples, and what Debian wants to know of it. */
import fs from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { adminCommands } from '../../src/admin/commands/index.ts';
import { programCompletion, type Shell } from '../../src/shell/completion/shells.ts';
import { type Architecture, nodeOf } from '../build/native.ts';
import { changelog } from './changelog.ts';
import { copyright } from './copyright.ts';

const DOCS = path.resolve(import.meta.dirname, '../../docs');
const DOCUMENTATION = 'usr/share/doc/novaboot-server';

/** Where shells look for completions of novaboot-admin. */
const COMPLETIONS: Readonly<Record<Shell, string>> = {
  bash: 'usr/share/bash-completion/completions/novaboot-admin',
  zsh: 'usr/share/zsh/vendor-completions/_novaboot-admin',
  fish: 'usr/share/fish/vendor_completions.d/novaboot-admin.fish',
};

/** Where a file of docs/ goes. */
function placeOf(name: string): string {
  const [, section] = /\.([1-8])$/.exec(name) ?? [];
  if (section !== undefined) return `usr/share/man/man${section}/${name}.gz`;
  const directory = name.endsWith('.example') ? 'examples/' : '';
  return path.join(DOCUMENTATION, directory, path.basename(name, '.example'));
}

/** Compressed where the name says so. */
function write(file: string, content: string | Uint8Array): void {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, file.endsWith('.gz') ? gzipSync(content, { level: 9 }) : content);
}

/** @param tree the package's files, to which these are added */
export function writeDocumentation(tree: string, version: string, architecture: Architecture): void {
  const at = (name: string) => path.join(tree, DOCUMENTATION, name);
  // The demo is not in the package.
  for (const name of fs.readdirSync(DOCS).filter((entry) => !entry.startsWith('novaboot-demo.'))) {
    write(path.join(tree, placeOf(name)), fs.readFileSync(path.join(DOCS, name)));
  }
  write(at('LICENSE.node.gz'), fs.readFileSync(path.join(nodeOf(architecture), 'LICENSE')));
  write(at('copyright'), copyright());
  write(at('changelog.gz'), changelog(version));
  const commands = adminCommands.filter(({ hidden }) => !hidden);
  for (const [shell, file] of Object.entries(COMPLETIONS)) {
    write(path.join(tree, file), programCompletion(shell as Shell, 'novaboot-admin', commands));
  }
}
