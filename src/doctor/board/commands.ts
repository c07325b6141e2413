/** Whether the commands of the configuration have what they need. */
import { readBoardFile } from '../configuration/board-file.ts';
import { COMMANDS } from '../configuration/evaluate.ts';
import { type Check, inOrder, type Said } from '../finding.ts';
import { missingDevices, missingProgram } from './command-words.ts';
import type { BoardContext } from './context.ts';

export const commands: Check<BoardContext> = {
  name: 'commands',
  run({ session, name, settings, searched }) {
    const bytes = readBoardFile(session, session.configPath);
    const text = Buffer.isBuffer(bytes) ? bytes.toString('latin1') : '';
    const surroundings = { text, home: session.home, searched };
    const findings = COMMANDS.flatMap((setting): Said[] => {
      const command = settings.get(setting);
      if (!command) return [];
      const program = missingProgram(command, surroundings);
      const missing = [
        ...(program === undefined ? [] : [`the program ${program}`]),
        ...missingDevices(command).map((device) => `the device ${device}`),
      ];
      return missing.map((what) => ({
        severity: 'error',
        subject: name,
        what: `${setting} needs ${what}, which is not there`,
        why: 'The command fails for everybody.',
        fix: `Install or plug in what is missing, or correct ${setting} in ${session.configPath}; commands are searched in ${searched}.`,
      }));
    });
    const set = COMMANDS.filter((setting) => settings.get(setting));
    if (findings.length > 0 || set.length === 0) return findings;
    return [inOrder(name, `the programs of ${set.join(', ')} are there`)];
  },
};
