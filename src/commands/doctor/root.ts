/** What is wrong with a root file system of the caller's, for the board that is to boot from it. */
import fs from 'node:fs';
import path from 'node:path';
import type { Finding } from '../../doctor/finding.ts';
import { rootChecks } from '../../doctor/root/checks.ts';
import { findKernels } from '../../doctor/root/kernels.ts';
import { runChecks } from '../../doctor/run-checks.ts';
import { choiceText, LIVE, openRoot, parseChoice } from '../../rootfs/choice.ts';
import { StoredTree } from '../../rootfs/stored-tree.ts';
import { findUnattributed, idsOf } from '../../rootfs/unattributed.ts';
import type { Session } from '../../shell/command.ts';
import { ownRoots } from '../../shell/own-roots.ts';
import { confine, landlockAbi } from '../../system/landlock.ts';
import { programFiles } from '../../system/program-files.ts';
import { lastOf } from '../why/finding.ts';
import { gather } from '../why/gather.ts';

/** What the kernel of the last boot said, if its console was recorded. */
function lastBoot(session: Session) {
  try {
    const { situation } = gather(session);
    // A line may have said "Booting Linux" instead of a version.
    const version = lastOf(situation, 'kernel')?.detail;
    return {
      commandLine: lastOf(situation, 'arguments')?.detail,
      bootedVersion: version !== undefined && /^\d/.test(version) ? version : undefined,
    };
  } catch {
    // A configuration that cannot be read is a finding of the board's.
    return { commandLine: undefined, bootedVersion: undefined };
  }
}

function readMachineId(): string | undefined {
  try {
    return fs.readFileSync('/etc/machine-id', 'utf8').trim();
  } catch {
    return undefined;
  }
}

/** From here on this process reads nothing but the root, whatever lies in it. */
function confineTo(directory: number): void {
  const abi = landlockAbi();
  if (abi === 0) return;
  const files = [`/proc/self/fd/${directory}`, '/proc', ...programFiles(process.argv[1] ?? '')];
  confine(
    files.map((name) => ({ path: name, access: 'read' })),
    abi,
  );
}

/** @throws CommandError, RootError for one that is not there */
export async function rootFindings(session: Session, name: string | undefined): Promise<Finding[]> {
  const { roots } = ownRoots(session, 'doctor root');
  const choice = name === undefined ? LIVE : parseChoice(name);
  const subject = choice.kind === 'live' ? choiceText(choice) : `root ${choiceText(choice)}`;
  const directory = openRoot(roots, choice);
  const known = {
    ...lastBoot(session),
    kernels: findKernels(path.join(session.home, 'tftproot')),
    hostMachine: readMachineId(),
  };
  const tree = new StoredTree(directory, idsOf(findUnattributed()));
  confineTo(directory);
  return await runChecks(rootChecks, { tree, subject, ...known });
}
