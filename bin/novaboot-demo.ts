/** A demo board with an SSH server of its own. The packages are loaded only by what needs them. */
import { CommandError, ExitCode } from '../src/shell/errors.ts';

/** @returns the exit status; undefined for a process that ends by itself */
async function run([command, ...args]: readonly string[]): Promise<number | undefined> {
  const script = process.argv[1] ?? '';
  switch (command) {
    case 'board': {
      if (args[0] === 'serve') {
        const { serveBoard } = await import('../src/demo/board/board-serve.ts');
        await serveBoard(args.slice(1));
        return 0;
      }
      const { runBoardClient } = await import('../src/demo/board/board-client.ts');
      return runBoardClient(args);
    }
    case 'connection': {
      if (!process.send) throw new CommandError('"connection" is for internal use', ExitCode.usage);
      const { runConnectionProcess } = await import('../src/demo/ssh/connection-process.ts');
      runConnectionProcess();
      return undefined;
    }
    case '--help':
    case '--version': {
      const { USAGE, VERSION } = await import('../src/demo/options.ts');
      process.stdout.write(command === '--help' ? USAGE : `${VERSION}\n`);
      return 0;
    }
    default: {
      const { runDemo } = await import('../src/demo/demo.ts');
      return runDemo(command === undefined ? [] : [command, ...args], script);
    }
  }
}

run(process.argv.slice(2)).then(
  (status) => {
    if (status !== undefined) process.exit(status);
  },
  (error: Error) => {
    const known = error instanceof CommandError;
    console.error(`novaboot-demo: ${known ? error.message : `internal error: ${error.message}`}`);
    process.exit(known ? error.exitCode : ExitCode.bug);
  },
);
