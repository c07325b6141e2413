/**
 * The port of a user's NFS server, which stays the same, so that a running board finds its server again. It is kept
 * in a drop-in of the user's socket unit (systemd.socket(5)); without systemd it is read from there all the same.
 */
import fs from 'node:fs';
import path from 'node:path';
import ini from 'ini';
import { errorWords } from '../system/error-words.ts';
import { CommandError, ExitCode } from './errors.ts';
import { type NfsPlace, unitDirectory } from './nfs-place.ts';

const FILE = 'port.conf';

function readText(file: string): string | undefined {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new CommandError(`${file}: ${errorWords(error)}`, ExitCode.configuration, { cause: error });
  }
}

/** The port in the text of a drop-in: what stands last counts, a port alone or behind an address. */
export function parseDropIn(text: string): number | undefined {
  const value = String(ini.parse(text).Socket?.ListenStream);
  const port = Number(/^(?:.*:)?(\d{1,5})$/.exec(value)?.[1]);
  return port >= 1 && port <= 65535 ? port : undefined;
}

/** undefined where none is remembered. @throws CommandError (78) for a file that says something else */
export function rememberedPort({ dropInDirectory }: NfsPlace): number | undefined {
  const file = path.join(dropInDirectory, FILE);
  const text = readText(file);
  if (text === undefined) return undefined;
  const port = parseDropIn(text);
  if (port === undefined) {
    throw new CommandError(`${file}: expected ListenStream=PORT in [Socket]`, ExitCode.configuration);
  }
  return port;
}

/** Ports that are remembered for any user of this account. */
export function takenPorts(home: string): Set<number> {
  const units = unitDirectory(home);
  const taken = new Set<number>();
  for (const name of fs.readdirSync(units)) {
    if (!/^novaboot-nfsd@.+\.socket\.d$/.test(name)) continue;
    const text = readText(path.join(units, name, FILE));
    const port = text === undefined ? undefined : parseDropIn(text);
    if (port !== undefined) taken.add(port);
  }
  return taken;
}

/** By rename, so that nobody reads half of it. */
export function rememberPort({ dropInDirectory, user }: NfsPlace, port: number): void {
  const file = path.join(dropInDirectory, FILE);
  const text = `# Chosen by novaboot-shell for ${user}, and kept: boards that run on this server know the port.
# Without this file the next get-config chooses another one.
[Socket]
ListenStream=${port}
ListenDatagram=${port}
`;
  fs.writeFileSync(`${file}.new`, text, { mode: 0o644, flush: true });
  fs.renameSync(`${file}.new`, file);
}
