/**
 * What `doctor` says of boards: their own login shells say it, as their accounts, whose files are nobody else's to
 * read. What comes back may be another process of the account's, so it is believed like any of its files.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import * as z from 'zod/mini';
import { askProgram } from '../doctor/ask-program.ts';
import type { Finding } from '../doctor/finding.ts';
import type { HostBoard } from '../doctor/host/context.ts';
import { runChecks } from '../doctor/run-checks.ts';
import { units } from '../doctor/units.ts';
import type { Account } from './account.ts';
import { accountEnvironment, accountWords, asAccount, boundWords } from './as-account.ts';

/** Longer than its checks take. */
const LIMIT_MS = 45_000;

/** For all boards together: on two processors 200 take a quarter of a minute, without the network of the lab one. */
const ALL_LIMIT_MS = 300_000;

/** More than a small machine has processors: boards wait for devices that do not answer. */
const AT_ONCE = Math.max(16, os.availableParallelism());

const text = z.string().check(z.maxLength(4000));
const schema = z.object({
  findings: z
    .array(
      z.object({
        ...{ check: text, severity: z.enum(['error', 'warning', 'ok']), subject: text },
        ...{ what: text, why: text, fix: text },
      }),
    )
    .check(z.maxLength(1000)),
});

function silent({ name, shell }: Account, why: string): Finding {
  return {
    check: 'board',
    severity: 'error',
    subject: name,
    what: `the login shell does not say how the board is: ${why}`,
    why: 'It hardly works for users then.',
    fix: `Try it: runuser -u ${name} -- ${shell} -c doctor`,
  };
}

async function askBoard(account: Account): Promise<Finding[]> {
  const signal = AbortSignal.timeout(LIMIT_MS);
  // env(1) changes the directory with the account's rights.
  const words = ['env', '-C', account.home, account.shell, '-c', 'doctor --json --board'];
  const argv = [...boundWords(), ...accountWords(account), ...words];
  const answer = await askProgram(argv[0] ?? '', argv.slice(1), signal, accountEnvironment(account));
  if (answer === undefined) return [silent(account, 'it cannot be run')];
  if (answer.ended === 'late') return [silent(account, 'it takes too long')];
  if (answer.status === null) return [silent(account, 'it was ended')];
  try {
    const { findings } = schema.parse(JSON.parse(answer.stdout));
    return findings.map((finding) => ({ ...finding, subject: account.name }));
  } catch {
    const said = answer.stderr.trimEnd().split('\n').at(-1)?.slice(0, 300);
    return [silent(account, said || `status ${answer.status}, and not its findings`)];
  }
}

async function lookAt(account: Account): Promise<Finding[]> {
  const context = {
    name: account.name,
    env: accountEnvironment(account),
    // systemctl(1) does nothing that the account has chosen, so it needs no bounds but time.
    before: accountWords(account),
  };
  const found = await Promise.all([askBoard(account), runChecks([units], context)]);
  return found.flat();
}

function passedOver({ name }: Account): Finding {
  return {
    check: 'board',
    severity: 'warning',
    subject: name,
    what: 'not looked at: the boards before it took too long',
    why: 'What may be wrong with it is not told here.',
    fix: `Ask for it alone: novaboot-admin doctor ${name}`,
  };
}

/** In the order of the boards. */
export async function boardFindings(boards: readonly Account[], limitMs = ALL_LIMIT_MS): Promise<Finding[]> {
  const end = performance.now() + limitMs;
  const found: Finding[][] = [];
  const numbers = boards.keys();
  const work = async () => {
    for (const number of numbers) {
      const board = boards[number] as Account;
      found[number] = performance.now() < end ? await lookAt(board) : [passedOver(board)];
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return found.flat();
}

/** What the checks of the host know of it: looked at with the rights of the account, as all that is in its home. */
export function hostBoard(account: Account): HostBoard {
  const found = asAccount(account, () => {
    try {
      const uploads = fs.realpathSync(path.join(account.home, 'tftproot'));
      const entries = fs.opendirSync(uploads);
      const hasFiles = entries.readSync() !== null;
      entries.closeSync();
      return { uploads, hasFiles };
    } catch {
      return { uploads: undefined, hasFiles: false };
    }
  });
  return { ...account, ...found };
}
