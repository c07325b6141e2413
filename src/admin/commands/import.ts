/** Takes over a board of the original, or of another installation: its account gets our login shell, and its files stay. */
import { reportFindings } from '../../doctor/report.ts';
import { CommandError } from '../../shell/errors.ts';
import { writeOut } from '../../shell/output.ts';
import { printable } from '../../shell/text.ts';
import { type Account, findAccount } from '../account.ts';
import { membershipChanges } from '../account-changes.ts';
import { checkSound, loginShell, otherShell, shellKind } from '../boards.ts';
import { type Change, runChange } from '../change.ts';
import type { AdminWords } from '../command.ts';
import { importFindings } from '../import/findings.ts';
import { changing } from '../lock.ts';
import { carryOut } from '../report-plan.ts';

/** @throws CommandError for an account that is no board's */
function importable(name: string): Account {
  const account = findAccount(name);
  if (account === undefined) {
    throw new CommandError(`There is no account ${printable(name)}; novaboot-admin add-board makes one`);
  }
  if (shellKind(account) === 'none') throw otherShell(account);
  checkSound(account);
  return account;
}

function shellChange({ name, shell: before }: Account): Change {
  const shell = loginShell();
  const set = (value: string) => void runChange('usermod', ['--shell', value, '--', name]);
  return {
    text: `~ account ${name}, login shell ${shell} instead of ${before}`,
    apply: () => set(shell),
    undo: () => set(before),
  };
}

/** @returns with --dry-run 1 if something is wrong; it keeps nobody from the import, since the original has most of that too */
export async function run(words: AdminWords): Promise<number> {
  const dryRun = words.has('dry-run');
  return await changing(async () => {
    const account = importable(words.args[0] ?? '');
    const status = reportFindings(await importFindings(account), { json: false, all: true });
    const isOther = shellKind(account) === 'other';
    const changes = [...membershipChanges(account), ...(isOther ? [shellChange(account)] : [])];
    writeOut('\n');
    await carryOut({ changes, conflicts: [], notes: [] }, { dryRun });
    if (isOther && !dryRun) {
      writeOut(`To go back: usermod --shell ${printable(account.shell)} ${account.name}\n`);
    }
    return dryRun ? status : 0;
  });
}
