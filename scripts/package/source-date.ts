/** The time that a package bears, so that the same sources make the same package: reproducible-builds.org */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '../..');

/** In a clone. */
function commitDate(): string | undefined {
  try {
    return execFileSync('git', ['log', '-1', '--format=%ct'], {
      cwd: ROOT,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  } catch {
    return undefined;
  }
}

/** That of SOURCE_DATE_EPOCH, else of the last commit, else of the change log's file. @returns seconds since 1970 */
export function sourceDate(): number {
  const said = process.env.SOURCE_DATE_EPOCH || commitDate() || '';
  if (/^\d+\n?$/.test(said)) return Number(said);
  if (said !== '') throw new Error(`SOURCE_DATE_EPOCH is ${said}; it is a number of seconds`);
  return Math.floor(fs.statSync(path.join(ROOT, 'CHANGELOG.md')).mtimeMs / 1000);
}
