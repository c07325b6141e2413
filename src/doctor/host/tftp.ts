/** Whether the TFTP server runs, and serves the boards what their users upload. */
import fs from 'node:fs';
import path from 'node:path';
import { listeners, socketOwner } from '../../system/listening.ts';
import { type Config, readConfig } from '../../tftp/config.ts';
import { ConfigError } from '../../tftp/config-error.ts';
import { CONFIG } from '../../tftp/config-files.ts';
import { makePlan } from '../../tftp/plan.ts';
import { outputOf } from '../ask-program.ts';
import { type Check, inOrder, type Said } from '../finding.ts';
import type { HostContext } from './context.ts';

const PORT = 69;
const PROGRAM = 'novaboot-tftpd';

const NO_FILES = 'Boards get no boot files.';

/** Whose program has the port: systemd's where it is to start ours. @returns undefined for ours */
async function otherServer(inode: number, signal: AbortSignal): Promise<string | undefined> {
  const pid = socketOwner(inode);
  if (pid === undefined) return undefined;
  const words = fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  if (words.some((word) => path.basename(word, '.js') === PROGRAM)) return undefined;
  const ours = await outputOf('systemctl', ['is-active', `${PROGRAM}.socket`], signal);
  return pid === 1 && ours !== undefined ? undefined : words[0];
}

async function portFindings(signal: AbortSignal): Promise<Said[]> {
  const [socket] = listeners('udp', PORT);
  if (socket === undefined) {
    return [
      {
        severity: 'error',
        subject: 'host',
        what: `nobody listens on UDP port ${PORT}`,
        why: NO_FILES,
        fix: `systemctl enable --now ${PROGRAM}.socket`,
      },
    ];
  }
  const other = await otherServer(socket.inode, signal);
  if (other === undefined) return [inOrder('host', `our TFTP server has UDP port ${PORT}`)];
  return [
    {
      severity: 'warning',
      subject: 'host',
      what: `another TFTP server has UDP port ${PORT}: ${other}`,
      why: 'It knows nothing of boards: no tree of their own by address or serial number, and nothing in "why".',
      fix: `Stop it (systemctl disable --now SERVICE), then: systemctl enable --now ${PROGRAM}.socket`,
    },
  ];
}

/** What the server has for each board. @param trees where they really are, by the name of the board */
function boardFindings(
  { boards }: HostContext,
  config: Config,
  trees: ReadonlyMap<string, string | undefined>,
): Said[] {
  return boards.flatMap(({ name, home, uploads, hasFiles }): Said[] => {
    const section = config.boards.find((board) => board.name === name);
    // Its own doctor tells.
    if (uploads === undefined) return [];
    const isUnknown =
      section === undefined || !(section.isPublic || section.addresses.length + section.prefixes.length > 0);
    if (isUnknown && !hasFiles) return [inOrder(name, 'nothing was uploaded that a board could ask for')];
    if (section === undefined) {
      return [
        {
          severity: 'warning',
          subject: name,
          what: 'the TFTP server does not know the board',
          why: 'It gives the board no boot files, unless they are public, and "why" has nothing of it.',
          fix: `novaboot-admin add-board ${name} --address ADDRESS (or --mac, --serial-number) tells it.`,
        },
      ];
    }
    const served = trees.get(name);
    if (served !== undefined && served !== uploads) {
      return [
        {
          severity: 'error',
          subject: name,
          what: `boot files are uploaded to ${uploads}, but the TFTP server has ${served} for the board`,
          why: 'The board boots old files, or none.',
          fix: `As root: ln -sfn ${served} ${path.join(home, 'tftproot')}; or correct tree= in ${section.file}.`,
        },
      ];
    }
    if (isUnknown) {
      return [
        {
          severity: 'warning',
          subject: name,
          what: 'the TFTP server cannot tell when it is the board that asks',
          why: NO_FILES,
          fix: `Add address=, mac= or serial= in ${section.file}: see novaboot-tftpd.conf(5).`,
        },
      ];
    }
    return [inOrder(name, `the TFTP server has ${served ?? section.tree} for the board`)];
  });
}

function problem(what: string): Said {
  const fix = 'Correct it: see novaboot-tftpd.conf(5); novaboot-tftpd --check looks again.';
  return { severity: 'error', subject: 'host', what, why: NO_FILES, fix };
}

export const tftp: Check<HostContext> = {
  name: 'tftp-server',
  async run(context, signal) {
    if (!fs.existsSync(CONFIG)) {
      return [
        {
          severity: 'warning',
          subject: 'host',
          what: `there is no ${CONFIG}`,
          why: 'The TFTP server of boards does not start without it.',
          fix: `Write one, empty or as in the example tftpd.conf; another TFTP server has to serve /srv/tftp otherwise.`,
        },
      ];
    }
    try {
      const config = readConfig(CONFIG);
      const { plan, warnings } = makePlan(config);
      const trees = new Map(plan.boards.map(({ name, tree }) => [name, tree]));
      return [
        ...(await portFindings(signal)),
        ...warnings.map(problem),
        ...boardFindings(context, config, trees),
      ];
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      return error.problems.map(problem);
    }
  },
};
