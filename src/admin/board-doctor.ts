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
import { machineChecks } from '../doctor/machine/checks.ts';
import type { Account } from './account.ts';
import { accountEnvironment, accountWords, aloneWords, asAccount } from './as-account.ts';

/** Longer than its checks take. */
const LIMIT_MS = 45_000;

/** For all boards together: with nothing amiss 200 take half a minute, without the network of the lab nearly so long. */
const ALL_LIMIT_MS = 300_000;

/** More than a small machine has processors: boards wait for devices that do not answer. */
const AT_ONCE = Math.max(8, os.availableParallelism());

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
  const words = ['env', '-C', account.home, account.shell, '-c', 'doctor --json'];
  const argv = [...aloneWords(), ...accountWords(account), ...words];
  const answer = await askProgram(argv[0] ?? '', argv.slice(1), signal, accountEnvironment(account));
  if (answer === undefined) return [silent(account, 'it cannot be run')];
  if (answer.status === null) return [silent(account, signal.aborted ? 'it takes too long' : 'it was ended')];
  try {
    const { findings } = schema.parse(JSON.parse(answer.stdout));
    // The machine is one for all.
    return findings
      .filter(({ check }) => !machineChecks.some(({ name }) => name === check))
      .map((finding) => ({ ...finding, subject: account.name }));
  } catch {
    const said = answer.stderr.trimEnd().split('\n').at(-1)?.slice(0, 300);
    return [silent(account, said || `status ${answer.status}, and not its findings`)];
  }
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
      found[number] = performance.now() < end ? await askBoard(board) : [passedOver(board)];
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
