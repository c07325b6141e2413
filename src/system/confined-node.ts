/** What Node needs to start again as a server that Landlock confines. */
import fs from 'node:fs';
import type { Rule } from './landlock.ts';
import { programFiles } from './program-files.ts';

export const CONFINED_ENVIRONMENT = {
  // For disks and host names, which must not wait for each other.
  UV_THREADPOOL_SIZE: '16',
  // One heap of the C library for all these threads saves 6 MiB under load. mallopt(3)
  MALLOC_ARENA_MAX: '1',
  // Where OpenSSL's configuration lies depends on who built Node; one that is there and unreadable ends Node.
  OPENSSL_CONF: '/dev/null',
} as const;

/** The libraries that Node has loaded, among them the loader, which execve(2) opens too. */
function loader(): string[] {
  const maps = fs.readFileSync('/proc/self/maps', 'utf8');
  return [...new Set(maps.match(/\/\S*\/ld[-.]\S*$/gm))];
}

export function rulesFor(access: Rule['access'], paths: readonly string[]): Rule[] {
  return paths.map((path) => ({ path, access }));
}

/** For this program itself, run by Node. */
export function programRules(): Rule[] {
  return [
    ...rulesFor('execute', [process.execPath, ...loader()]),
    ...rulesFor('read', ['/usr/lib', '/usr/lib64', '/usr/local/lib', '/lib', '/lib64', '/etc/ld.so.cache']),
    ...rulesFor('read', programFiles(process.argv[1] ?? '')),
    ...rulesFor('files', ['/dev/null']),
  ];
}
