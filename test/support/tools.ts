/** Stand-ins for programs that speak to devices. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export interface Tools {
  readonly directory: string;
  /** Makes a program that sh runs. It finds `directory` in $TOOLS. */
  add(name: string, script: string): void;
  read(name: string): string;
  write(name: string, text: string): void;
  remove(): void;
}

/** Puts a directory of programs in front of PATH, until it is removed. */
export function makeTools(): Tools {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'novaboot-tools.'));
  const before = process.env.PATH;
  process.env.PATH = `${directory}:${before}`;
  const at = (name: string) => path.join(directory, name);
  return {
    directory,
    add: (name, script) => {
      fs.writeFileSync(at(name), `#!/bin/sh\nTOOLS='${directory}'\n${script}`, { mode: 0o755 });
    },
    read: (name) => fs.readFileSync(at(name), 'utf8'),
    write: (name, text) => fs.writeFileSync(at(name), text),
    remove: () => {
      process.env.PATH = before;
      fs.rmSync(directory, { recursive: true, force: true });
    },
  };
}
