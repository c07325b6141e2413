/** A console server's port whose serial line we set: Telnet with RFC 2217. */
import { CommandError, ExitCode } from '../shell/errors.ts';
import type { LineSettings } from '../system/termios.ts';
import type { Line } from './line.ts';
import { BREAK, RemoteSettings } from './rfc2217.ts';
import { connectTo, SERVER_GONE, serverName } from './tcp-line.ts';
import { Option } from './telnet.ts';
import { CONSOLE_OPTIONS } from './telnet-line.ts';
import { TelnetStream } from './telnet-stream.ts';

const ANSWER_MS = 10_000;
const BREAK_MS = 300;

interface Place {
  readonly host: string;
  readonly port: number;
  readonly settings: LineSettings;
}

/** Connects, and has the server set its line. @throws CommandError where it does not, or not in time */
async function openStream(place: Place): Promise<TelnetStream> {
  const name = serverName(place);
  const settings = new RemoteSettings(place.settings);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const fail = (what: string, exitCode: ExitCode = ExitCode.failed) =>
    reject(new CommandError(`${name} ${what}`, exitCode));
  const stream = new TelnetStream(await connectTo(place), {
    us: [...CONSOLE_OPTIONS.us, Option.COM_PORT],
    them: CONSOLE_OPTIONS.them,
    onOption(side, option, isOn) {
      if (side !== 'us' || option !== Option.COM_PORT) return;
      if (isOn) stream.send(settings.requests());
      else fail('does not speak RFC 2217; use telnet:HOST:PORT', ExitCode.configuration);
    },
    onSubnegotiation(option, bytes) {
      if (option !== Option.COM_PORT) return;
      const refused = settings.answered(bytes);
      if (refused !== undefined) fail(`does not take the ${refused} of console`, ExitCode.configuration);
      else if (settings.isDone) resolve();
    },
  });
  const onClose = () => fail('has closed the connection; is its line in use?');
  stream.once('error', onClose);
  stream.once('close', onClose);
  const timer = setTimeout(
    () => fail(`has not set its line within ${ANSWER_MS / 1000} s; does it speak RFC 2217?`),
    ANSWER_MS,
  );
  try {
    await promise;
    return stream;
  } catch (error) {
    stream.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
    stream.off('error', onClose);
    stream.off('close', onClose);
  }
}

export async function openRfc2217Line(place: Place): Promise<Line> {
  const stream = await openStream(place);
  return {
    name: serverName(place),
    ifGone: SERVER_GONE,
    stream,
    async sendBreak() {
      stream.send(BREAK.begin);
      await new Promise((resolve) => setTimeout(resolve, BREAK_MS));
      stream.send(BREAK.end);
    },
    close: () => stream.destroy(),
  };
}
