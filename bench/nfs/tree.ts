/** The files that every server exports a copy of. Names, sizes and content are the same for all. */
import fs from 'node:fs';
import path from 'node:path';

export const FILES = 10_000;
export const FILE_SIZE = 4096;
/** Of "large", which is read, and of "scratch", which the WRITE workloads write over in place. */
export const LARGE_SIZE = 64 << 20;

export function fileName(index: number): string {
  return `f${String(index).padStart(5, '0')}`;
}

/** Every 4 KiB of content starts with this, so that a reply with the wrong bytes is noticed. */
export const CONTENT_WORD = 0x6e6f7661;

export function content(size: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(size).fill('novaboot ');
  for (let at = 0; at + 4 <= size; at += 4096) bytes.writeUInt32BE(CONTENT_WORD, at);
  return bytes;
}

export function makeTree(directory: string): void {
  fs.mkdirSync(path.join(directory, 'files'), { recursive: true });
  fs.mkdirSync(path.join(directory, 'work'));
  const small = content(FILE_SIZE);
  for (let index = 0; index < FILES; index++) {
    fs.writeFileSync(path.join(directory, 'files', fileName(index)), small);
  }
  const large = content(LARGE_SIZE);
  for (const name of ['large', 'scratch']) fs.writeFileSync(path.join(directory, name), large);
}

/** A tree with ten files in each of many directories: d0000/0/f0 … */
export const FILES_PER_DIRECTORY = 10;
const DIRECTORIES_PER_DIRECTORY = 100;

export function deepPath(file: number): string[] {
  const directory = Math.floor(file / FILES_PER_DIRECTORY);
  return [
    `d${Math.floor(directory / DIRECTORIES_PER_DIRECTORY)}`,
    `s${directory % DIRECTORIES_PER_DIRECTORY}`,
    `f${file % FILES_PER_DIRECTORY}`,
  ];
}

export function makeDeepTree(directory: string, files: number): void {
  for (let file = 0; file < files; file++) {
    const target = path.join(directory, ...deepPath(file));
    if (file % FILES_PER_DIRECTORY === 0) fs.mkdirSync(path.dirname(target), { recursive: true });
    fs.closeSync(fs.openSync(target, 'w'));
  }
}
