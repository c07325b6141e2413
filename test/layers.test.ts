import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';

/** What the files of a folder may import, besides their neighbours: folders, and single files. */
const ALLOWED: Record<string, readonly string[]> = {
  bin: [
    'src/admin',
    'src/admin/commands',
    'src/commands',
    'src/commands/untar',
    'src/shell',
    'src/demo',
    'src/demo/board',
    'src/demo/ssh',
    'src/nfs',
    'src/power-off',
    'src/tftp',
    'src/console',
    'src/power',
    'src/system',
  ],
  'src/admin': [
    'src/doctor',
    'src/doctor/configuration',
    'src/doctor/host',
    'src/doctor/machine',
    'src/power-off',
    'src/rootfs/remove-tree.ts',
    'src/shell',
    'src/tftp',
    'src/system',
  ],
  'src/admin/state': ['src/admin', 'src/rootfs', 'src/shell', 'src/tftp', 'src/system'],
  'src/admin/commands': [
    'src/admin',
    'src/admin/import',
    'src/admin/lab',
    'src/admin/state',
    'src/doctor',
    'src/doctor/configuration',
    'src/doctor/host',
    'src/doctor/machine',
    'src/shell',
    'src/tftp',
    'src/system',
  ],
  'src/admin/import': ['src/admin', 'src/doctor', 'src/doctor/host', 'src/system'],
  'src/admin/lab': ['src/admin', 'src/admin/state', 'src/shell', 'src/system'],
  'src/commands': [
    'src/commands/doctor',
    'src/commands/help',
    'src/commands/root',
    'src/commands/untar',
    'src/commands/why',
    'src/console',
    'src/doctor',
    'src/doctor/board',
    'src/doctor/machine',
    'src/shell',
    'src/shell/completion',
    'src/rootfs',
    'src/tar',
    'src/system',
  ],
  'src/commands/untar': ['src/commands/root/replaced.ts', 'src/shell', 'src/rootfs', 'src/tar', 'src/system'],
  'src/commands/why': ['src/console', 'src/shell', 'src/system'],
  'src/commands/help': [],
  'src/commands/doctor': [
    'src/commands/why',
    'src/doctor',
    'src/doctor/root',
    'src/shell',
    'src/rootfs',
    'src/system',
  ],
  'src/commands/root': ['src/shell', 'src/rootfs', 'src/tar', 'src/system'],
  'src/demo': ['src/demo/board', 'src/demo/boot', 'src/demo/ssh', 'src/shell', 'src/system'],
  'src/demo/board': ['src/demo/private-directory.ts', 'src/shell', 'src/system'],
  'src/demo/boot': ['src/demo/state.ts', 'src/demo/board', 'src/shell', 'src/system'],
  'src/demo/ssh': ['src/demo/options.ts', 'src/shell', 'src/system'],
  'src/demo/images': ['src/tar'],
  'src/doctor': ['src/shell', 'src/system'],
  'src/doctor/board': [
    'src/doctor',
    'src/doctor/configuration',
    'src/console',
    'src/nfs/vfs/probe.ts',
    'src/power/power.ts',
    'src/power/spec.ts',
    'src/shell',
    'src/rootfs',
    'src/system',
  ],
  'src/doctor/configuration': [
    'src/console/console-spec.ts',
    'src/doctor/ask-program.ts',
    'src/power/spec.ts',
    'src/shell',
    'src/system',
  ],
  'src/doctor/host': ['src/doctor', 'src/tftp', 'src/system'],
  'src/doctor/machine': ['src/doctor', 'src/shell', 'src/system'],
  'src/doctor/root': ['src/doctor', 'src/rootfs', 'src/system'],
  'src/power-off': ['src/shell', 'src/system'],
  'src/shell': ['src/rootfs', 'src/system'],
  'src/shell/completion': [],
  'src/nfs': [
    'src/nfs/boots',
    'src/nfs/wire',
    'src/nfs/rpc',
    'src/nfs/procedures',
    'src/nfs/roots',
    'src/nfs/vfs',
    'src/rootfs',
    'src/system',
  ],
  'src/nfs/boots': [
    'src/nfs/procedures',
    'src/nfs/vfs',
    'src/nfs/put-off.ts',
    'src/rootfs/file-type.ts',
    'src/system',
  ],
  'src/nfs/roots': [
    'src/nfs/procedures',
    'src/nfs/vfs',
    'src/nfs/gate.ts',
    'src/nfs/put-off.ts',
    'src/rootfs',
    'src/system',
  ],
  'src/nfs/procedures': [
    'src/nfs/wire',
    'src/nfs/rpc',
    'src/nfs/vfs',
    'src/nfs/gate.ts',
    'src/nfs/put-off.ts',
    'src/rootfs/file-type.ts',
    'src/system/file-error.ts',
  ],
  'src/nfs/rpc': ['src/nfs/wire', 'src/nfs/put-off.ts', 'src/nfs/statistics.ts', 'src/system/log.ts'],
  'src/nfs/wire': [],
  'src/nfs/vfs': ['src/rootfs', 'src/system', 'src/nfs/put-off.ts'],
  'src/tftp': ['src/system'],
  'src/console': ['src/shell', 'src/system'],
  'src/power': ['src/shell/errors.ts', 'src/shell/text.ts', 'src/system'],
  'src/tar': [],
  'src/rootfs': ['src/tar', 'src/system'],
  'src/system': [],
};

const root = path.resolve(import.meta.dirname, '..');

function importsOf(folder: string): { file: string; imported: string }[] {
  const files = fs.readdirSync(path.join(root, folder)).filter((name) => name.endsWith('.ts'));
  expect(files).not.toEqual([]);
  return files.flatMap((file) => {
    const text = fs.readFileSync(path.join(root, folder, file), 'utf8');
    const targets = text.matchAll(/(?:from |import\()'(\.[^']+\.ts)'/g);
    return [...targets].map(([, target = '']) => ({ file, imported: path.join(folder, target) }));
  });
}

it.each(Object.entries(ALLOWED))('%s imports downwards only', (folder, allowed) => {
  for (const { file, imported } of importsOf(folder)) {
    const isAllowed = [folder, ...allowed].some(
      (name) => name === imported || name === path.dirname(imported),
    );
    expect(isAllowed, `${folder}/${file} imports ${imported}`).toBe(true);
  }
});

it('the sockets know nothing of files', () => {
  const knowing = importsOf('src/nfs').filter(({ imported }) =>
    /^src\/nfs\/(procedures|vfs)\//.test(imported),
  );
  expect([...new Set(knowing.map(({ file }) => file))]).toEqual(['daemon.ts', 'status-file.ts']);
});
