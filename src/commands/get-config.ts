/** Prints the options that the novaboot client takes: a line each, and nothing else. Starts the user's NFS server. */
import fs from 'node:fs';
import type { Session } from '../shell/command.ts';
import { parsePlain, readConfig } from '../shell/config.ts';
import { CommandError, ExitCode } from '../shell/errors.ts';
import { nfsConfigFile } from '../shell/nfs-place.ts';
import { writeOut } from '../shell/output.ts';

async function targetConfig(session: Session): Promise<string> {
  const plain = parsePlain(readConfig(session.configPath));
  if (plain !== undefined) return plain.get('target_config') ?? '';
  const { evaluateTargetConfig } = await import('../shell/evaluate.ts');
  return evaluateTargetConfig(session);
}

/** Whether the board serves root file systems; told without loading what reads the file. */
function hasNfs({ home }: Session): boolean {
  return fs.existsSync(nfsConfigFile(home));
}

export async function run(session: Session, args: readonly string[]): Promise<void> {
  if (args.length > 0) throw new CommandError('get-config takes no arguments', ExitCode.usage);
  // An empty line would be an unknown option to the client, and a missing line end would join two.
  const lines = (await targetConfig(session)).split('\n').filter((line) => line !== '');
  writeOut(Buffer.from(lines.map((line) => `${line}\n`).join(''), 'latin1'));
  if (session.user === undefined || !hasNfs(session)) return;
  const { nfsOptions } = await import('../shell/nfs-options.ts');
  try {
    writeOut(await nfsOptions(session, session.user));
  } catch (error) {
    // Status 1 is what a client gets whatever keeps the server from starting.
    throw error instanceof CommandError ? new CommandError(error.message) : error;
  }
}
