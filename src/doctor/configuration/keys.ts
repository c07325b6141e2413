/** ~/.ssh/authorized_keys: lines that sshd(8) passes over or understands otherwise than somebody may think. */
import path from 'node:path';
import { type AuthorizedLine, parseAuthorizedKeys } from '../../shell/authorized-keys.ts';
import { isSimpleKey } from '../../shell/key-blob.ts';
import { readBoardFile } from './board-file.ts';
import type { BoardPlace, Problem } from './problem.ts';

/** sshd(8), AUTHORIZED_KEYS FILE FORMAT. A line with any other is passed over. */
const OPTIONS = new Set([
  ...['agent-forwarding', 'cert-authority', 'command', 'environment', 'expiry-time', 'from'],
  ...['no-agent-forwarding', 'no-port-forwarding', 'no-pty', 'no-touch-required', 'no-user-rc'],
  ...['no-x11-forwarding', 'permitlisten', 'permitopen', 'port-forwarding', 'principals', 'pty', 'restrict'],
  ...['tunnel', 'user-rc', 'verify-required', 'x11-forwarding'],
]);

function isText({ raw }: AuthorizedLine): boolean {
  return !/^[ \t\r\n]*(?:#|$)/.test(raw.toString('latin1').replace(/\r?\n$/, ''));
}

/** undefined for a line that is as it should be. */
function problemOf(line: AuthorizedLine): string | undefined {
  const { key, options, user } = line;
  if (key === undefined) return isText(line) ? 'no public key: sshd passes over this line' : undefined;
  if (options === undefined) return 'the options before the key are no list: sshd passes over this line';
  const unknown = options.find(({ name }) => !OPTIONS.has(name));
  if (unknown !== undefined) return `${unknown.name}: no option of sshd, which passes over this line`;
  const commands = options.filter(({ name }) => name === 'command');
  if (commands.length > 1) return 'command: sshd takes one, and passes over this line';
  const words = commands[0]?.value?.trim().split(/[ \t]+/) ?? [];
  if (words[0] === 'user' && user === undefined) {
    return 'command: expected "user NAME" or "user NAME admin", NAME of letters, digits and _.@+-';
  }
  return undefined;
}

async function isSound({ type, blob }: NonNullable<AuthorizedLine['key']>): Promise<boolean> {
  // Certificates' authorities and old types are sshd's to judge.
  if (!/^(?:ssh-ed25519|ssh-rsa|ecdsa-|sk-)/.test(type)) return true;
  const simple = isSimpleKey(type, blob);
  if (simple !== undefined) return simple;
  // Loads ssh2.
  const { parsePublicKey } = await import('../../shell/public-key.ts');
  try {
    parsePublicKey(Buffer.from(`${type} ${blob}`));
    return true;
  } catch {
    return false;
  }
}

/** Whoever has more of them has one cause. */
const MAX_PROBLEMS = 20;

export async function keyProblems(place: BoardPlace): Promise<Problem[]> {
  const file = path.join(place.home, '.ssh/authorized_keys');
  const bytes = readBoardFile(place, file);
  if (bytes === undefined) return [];
  if (!Buffer.isBuffer(bytes)) return [bytes];
  const problems: Problem[] = [];
  const lines = new Map<string, number>();
  for (const [index, line] of parseAuthorizedKeys(bytes).entries()) {
    const number = index + 1;
    if (problems.length >= MAX_PROBLEMS) {
      return [...problems, { file, message: `line ${number} and those after it are not looked at` }];
    }
    const report = (message: string) => problems.push({ file, line: number, message });
    const message = problemOf(line);
    if (message !== undefined) report(message);
    if (line.key === undefined || message !== undefined) continue;
    const before = lines.get(line.key.blob);
    if (before !== undefined) report(`the key of line ${before} once more: sshd goes by that line`);
    else if (!(await isSound(line.key))) report('no valid public key: its user cannot log in');
    lines.set(line.key.blob, before ?? number);
  }
  return problems;
}
