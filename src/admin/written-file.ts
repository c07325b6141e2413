/** Files that we write for administrators to change. A line of ours in them tells whether that has happened. */
import { createHash } from 'node:crypto';

const HEADER = /^# Written by novaboot-admin \(([0-9a-f]{16})\)[^\n]*\n/;

function digest(body: string): string {
  return createHash('sha256').update(body).digest('hex').slice(0, 16);
}

/** The file with this content. */
export function writtenFile(body: string): string {
  const more = 'Change what you like: the file is yours then, and left alone.';
  return `# Written by novaboot-admin (${digest(body)}). ${more}\n${body}`;
}

/** @param file that is not as we have written it */
export function conflictText(file: string): string {
  return `${file} was written by hand and says something else; make it say the same, or move it away`;
}

/** Whether it is as we have written it, so that we may write it anew. */
export function isUntouched(text: string): boolean {
  const [header = '', said] = HEADER.exec(text) ?? [];
  return said === digest(text.slice(header.length));
}
