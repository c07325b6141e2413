/** What a command of a configuration needs, as far as its words tell without a shell. */
import fs from 'node:fs';
import path from 'node:path';

/** POSIX XCU 2.14 and 1.7, as dash has them, and what our script defines. */
const BUILTINS = new Set(
  (
    '. : [ alias bg break cd command continue echo eval exec exit export false fc fg getopts hash jobs kill printf ' +
    'pwd read readonly return set shift test times trap true type ulimit umask unalias unset wait die ' +
    'if while until for case { ('
  ).split(' '),
);

/** Programs that run another one, whose name stands behind their options. */
const RUNNERS = new Set(['exec', 'sudo', 'env', 'nohup', 'setsid', 'command']);

/** Nothing that a shell would expand or join. */
const PLAIN_WORD = /^[A-Za-z0-9_.,:/@%+=-]+$/;

function isExecutable(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}

/** The word that names the program; undefined where only a shell knows. */
function programWord(command: string): string | undefined {
  for (const word of command.trim().split(/[ \t\n]+/)) {
    if (!PLAIN_WORD.test(word)) return undefined;
    if (/^[A-Za-z_]\w*=/.test(word) || word.startsWith('-') || RUNNERS.has(word)) continue;
    return word;
  }
  return undefined;
}

export interface Surroundings {
  /** The text of the configuration, for the functions that it defines. */
  readonly text: string;
  readonly home: string;
  /** As in PATH. */
  readonly searched: string;
}

/** The program that a command needs and that is not there; undefined also where that cannot be told. */
export function missingProgram(command: string, { text, home, searched }: Surroundings): string | undefined {
  const word = programWord(command);
  if (word === undefined) return undefined;
  const functions = text.matchAll(/^[ \t]*(?:function[ \t]+)?([\w.-]+)[ \t]*\(/gm);
  if ([...functions].some(([, name]) => name === word)) return undefined;
  const name = word === 'run_novaboot' ? 'novaboot' : word;
  if (BUILTINS.has(name)) return undefined;
  const places = name.includes('/') ? [home] : searched.split(':');
  return places.some((place) => isExecutable(path.resolve(place, name))) ? undefined : name;
}

/** Devices that a command names and that are not there. */
export function missingDevices(command: string): string[] {
  const devices = command.match(/(?<![\w./])\/dev\/[A-Za-z0-9_.,:/@+-]*[A-Za-z0-9_]/g) ?? [];
  return [...new Set(devices)].filter((device) => !fs.existsSync(device));
}
