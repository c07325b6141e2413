/** Work on root file systems that novaboot-shell starts in a process of its own; the environment says for whom. */
import { CommandError, ExitCode, systemRefusal } from '../src/shell/errors.ts';
import { report } from '../src/shell/run.ts';

async function run([word, ...args]: readonly string[]): Promise<void> {
  const session = { user: process.env.NB_USER, home: process.env.HOME ?? '' };
  switch (word) {
    case 'watch-upload': {
      const { watchUpload } = await import('../src/shell/upload-watch.ts');
      return watchUpload(session, args);
    }
    case 'untar': {
      const { unpack } = await import('../src/commands/untar/unpack.ts');
      return unpack(session, args);
    }
    default:
      throw new CommandError('novaboot-root is for internal use', ExitCode.usage);
  }
}

const words = process.argv.slice(2);

run(words).catch(async (error) => {
  process.exitCode = await report(systemRefusal(words[0] ?? '', error));
});
