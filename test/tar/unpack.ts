/** A program for tests: reads an archive from standard input and reports on it as JSON. */
import fs from 'node:fs';
import { decompressed } from '../../src/tar/decompress.ts';
import { readTar } from '../../src/tar/reader.ts';

export interface Report {
  files: number;
  /** Of content. */
  bytes: number;
  /** The error, if there was one. */
  problem: string;
  /** Of memory, in bytes, for the data: without what loading the programs' package takes. */
  growth: number;
}

const report: Report = { files: 0, bytes: 0, problem: '', growth: 0 };
// Loaded from its many source files here, which takes 12 MB of memory; the bundle has it in one.
await import('execa');
// The peak of memory is counted from here on (proc(5)).
fs.writeFileSync('/proc/self/clear_refs', '5');
const before = peak();
const visitor = {
  entry() {
    report.files += 1;
  },
  data(_offset: number, chunk: Buffer) {
    report.bytes += chunk.length;
  },
  end() {},
};
try {
  await readTar(decompressed(process.stdin), visitor);
} catch (error) {
  report.problem = String(error);
}
report.growth = peak() - before;
console.log(JSON.stringify(report));

function peak(): number {
  const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(fs.readFileSync('/proc/self/status', 'latin1'))?.[1];
  return Number(kibibytes) * 1024;
}
