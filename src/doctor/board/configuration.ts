/** What is wrong in the files of the board's configuration. */
import { problemLine } from '../configuration/problem.ts';
import { type Check, inOrder, type Said } from '../finding.ts';
import type { BoardContext } from './context.ts';

export const configuration: Check<BoardContext> = {
  name: 'configuration',
  run({ name, problems }) {
    if (problems.length === 0) return [inOrder(name, 'the configuration can be read and has no faults')];
    return problems.map(
      (problem): Said => ({
        severity: problem.warning ? 'warning' : 'error',
        subject: name,
        what: problemLine({ file: problem.file, line: problem.line, message: problem.message }),
        why: problem.warning
          ? 'It works, but hardly as it was meant.'
          : 'What this is for fails, or does something else than it says.',
        fix: 'Correct the line: see novaboot-shell.conf(5), for keys sshd(8). The administrator can look again by novaboot-admin check.',
      }),
    );
  },
};
