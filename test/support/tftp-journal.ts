/** What novaboot-tftpd says in its journal. */
import { eventually } from './ssh-session.ts';

/** A line by its keys, without the quotes around values. */
export type TransferLine = Readonly<Record<string, string>>;

/** Longer than the server waits for a client that has vanished. */
const TRANSFER_MS = 60_000;

function parseLine(line: string): TransferLine {
  const pairs = [...line.matchAll(/(\w+)=("(?:[^"\\]|\\.)*"|\S+)/g)];
  return Object.fromEntries(
    pairs.map(([, key, value = '']) => [key, value.startsWith('"') ? value.slice(1, -1) : value]),
  );
}

/** All transfers and refused requests so far. */
export function transfersIn(log: string): TransferLine[] {
  return (log.match(/transfer client=.*(?=\n)/g) ?? []).map(parseLine);
}

/** The first line in which this key's value ends so, when it is there. */
export function transferOf(server: { log(): string }, key: string, end: string): Promise<TransferLine> {
  return eventually(
    `a journal line with ${key}=...${end}`,
    () => transfersIn(server.log()).find((line) => line[key]?.endsWith(end)),
    TRANSFER_MS,
  );
}
