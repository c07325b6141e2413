/** ~/.novaboot-shell: POSIX shell syntax, of which plain assignments are read without a shell. */
import fs from 'node:fs';
import path from 'node:path';
import { CommandError, ExitCode } from './errors.ts';
import { isBeneath } from './paths.ts';

/** Directories of the home into which users and boards write: nothing in them is a configuration. */
const WRITTEN_BY_OTHERS = ['tftproot', 'nfsroot', '.ssh', '.cache', '.local'];

/** A file that the environment names is the administrator's only where nobody else can have written it. */
function isTrusted(file: string, home: string): boolean {
  try {
    const real = fs.realpathSync(file);
    const { uid } = fs.statSync(real);
    if (uid !== 0 && uid !== process.getuid?.()) return false;
    const directories = WRITTEN_BY_OTHERS.map((name) => path.join(home, name));
    const reals = directories
      .filter((directory) => fs.existsSync(directory))
      .map((directory) => fs.realpathSync(directory));
    return !reals.some((directory) => isBeneath(real, directory));
  } catch {
    return false;
  }
}

/** The absolute path of the configuration. */
export function configPath(env: NodeJS.ProcessEnv, home: string): string {
  const named = env.NOVABOOT_SHELL_CONFIG;
  return named && isTrusted(named, home) ? path.resolve(named) : path.join(home, '.novaboot-shell');
}

/** What is wrong with a file that cannot be read. */
function readProblem(error: unknown): string {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOENT':
      return 'no such file: the administrator has to create it';
    case 'EACCES':
      return 'permission denied';
    case 'EISDIR':
      return 'is a directory';
    default:
      return (error as Error).message;
  }
}

/** The file byte for byte (latin1), whatever its encoding. @throws CommandError (78) naming an unreadable file */
export function readConfig(file: string): string {
  try {
    return fs.readFileSync(file, 'latin1');
  } catch (error) {
    throw new CommandError(`${file}: ${readProblem(error)}`, ExitCode.configuration, { cause: error });
  }
}

const BLANK_OR_COMMENT = /[ \t]*(?:#[^\n]*)?(?:\n|$)/y;
const ASSIGNMENT =
  /[ \t]*([A-Za-z_][A-Za-z0-9_]*)=(?:'([^']*)'|"((?:[^"\\$`]|\\\n)*)"|([A-Za-z0-9_.,:/@%+=-]*))[ \t]*(?:(?<=[ \t])#[^\n]*)?(?:\n|$)/y;

/**
 * Reads a file of plain assignments: quoted or not, without expansions, with line continuations in double quotes.
 *
 * @returns the variables; undefined if the file needs a shell (POSIX XCU 2) to be understood
 */
export function parsePlain(text: string): Map<string, string> | undefined {
  if (/[\0\r]/.test(text)) return undefined;
  const values = new Map<string, string>();
  let position = 0;
  while (position < text.length) {
    ASSIGNMENT.lastIndex = BLANK_OR_COMMENT.lastIndex = position;
    const match = ASSIGNMENT.exec(text);
    if (match !== null) {
      const [, name = '', single, double, bare] = match;
      values.set(name, single ?? double?.replaceAll('\\\n', '') ?? bare ?? '');
      position = ASSIGNMENT.lastIndex;
    } else if (BLANK_OR_COMMENT.test(text) && BLANK_OR_COMMENT.lastIndex > position) {
      position = BLANK_OR_COMMENT.lastIndex;
    } else {
      return undefined;
    }
  }
  return values;
}
