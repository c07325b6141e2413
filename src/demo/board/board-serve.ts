/** `novaboot-demo board serve STATE`: a virtual board alone, for an account that has its own sshd and servers. */
import { once } from 'node:events';
import { accessSync, closeSync, constants, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { CommandError, ExitCode } from '../../shell/errors.ts';
import { openPrivate } from '../private-directory.ts';
import { startBoard } from './board.ts';
import { boardSocket } from './board-client.ts';
import { missingPackages, virtualMachine } from './virtual-machine.ts';

const USAGE = 'novaboot-demo board serve STATE [--tftp-port PORT] [--home DIR] [--uboot FILE]';
const TFTP_PORT = '69';

interface ServeOptions {
  readonly state: string;
  readonly tftpPort: number;
  readonly home: string;
  /** U-Boot's image; Debian's by default. */
  readonly uboot?: string;
}

function parseServeOptions(args: readonly string[]): ServeOptions {
  const options = {
    'tftp-port': { type: 'string', default: TFTP_PORT },
    home: { type: 'string', default: homedir() },
    uboot: { type: 'string' },
  } as const;
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    const [state, ...rest] = positionals;
    const tftpPort = Number(/^\d{1,5}$/.exec(values['tftp-port'])?.[0]);
    if (state === undefined || rest.length > 0 || !(tftpPort >= 1 && tftpPort <= 65535)) throw new Error();
    const { home, uboot } = values;
    return {
      state: resolve(state),
      tftpPort,
      home: resolve(home),
      ...(uboot === undefined ? {} : { uboot: resolve(uboot) }),
    };
  } catch (error) {
    throw new CommandError(`usage: ${USAGE}`, ExitCode.usage, { cause: error });
  }
}

/** @throws CommandError for what would fail only when the board is switched on */
function checkPaths({ home, uboot = home }: Pick<ServeOptions, 'home' | 'uboot'>): void {
  try {
    readdirSync(home);
    accessSync(uboot, constants.R_OK);
  } catch (error) {
    throw new CommandError((error as Error).message, ExitCode.notConfigured, { cause: error });
  }
}

/** Runs until a signal, and switches the board off then. */
export async function serveBoard(args: readonly string[]): Promise<void> {
  const { state, ...options } = parseServeOptions(args);
  const missing = options.uboot === undefined ? missingPackages() : [];
  if (missing.length > 0) {
    throw new CommandError(`missing packages: ${missing.join(' ')}`, ExitCode.notConfigured);
  }
  checkPaths(options);
  const signals = (['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map((signal) => once(process, signal));
  const machine = virtualMachine(options);
  const descriptor = openPrivate(state, 'another board is served there');
  const board = await startBoard(boardSocket(descriptor), machine);
  process.stdout.write(`novaboot-demo: a virtual board in ${state}, switched off; its target_config:\n`);
  for (const line of machine.targetConfig) process.stdout.write(`${line}\n`);
  await Promise.race(signals);
  await board.close();
  closeSync(descriptor);
}
