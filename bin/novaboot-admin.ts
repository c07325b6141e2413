/** Administers the boards of a host. */
import { adminCommands } from '../src/admin/commands/index.ts';
import { runAdmin } from '../src/admin/run.ts';

void runAdmin(adminCommands, process.argv.slice(2)).then((status) => {
  process.exitCode = status;
});
