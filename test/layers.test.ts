import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';

/** What a folder may import from, besides itself. */
const ALLOWED: Record<string, readonly string[]> = {
  bin: ['src/commands', 'src/shell', 'src/demo'],
  'src/commands': ['src/shell', 'src/system'],
  'src/demo': ['src/shell', 'src/system'],
  'src/shell': ['src/system'],
  'src/system': [],
};

const root = path.resolve(import.meta.dirname, '..');

it.each(Object.entries(ALLOWED))('%s imports downwards only', (folder, allowed) => {
  const files = fs.readdirSync(path.join(root, folder)).filter((name) => name.endsWith('.ts'));
  expect(files).not.toEqual([]);
  for (const file of files) {
    const text = fs.readFileSync(path.join(root, folder, file), 'utf8');
    for (const [, target = ''] of text.matchAll(/(?:from |import\()'(\.[^']+\.ts)'/g)) {
      const imported = path.relative(root, path.dirname(path.join(root, folder, target)));
      expect([folder, ...allowed], `${folder}/${file} imports ${target}`).toContain(imported);
    }
  }
});
