/** A console server's port that speaks Telnet, 8 bits clean where the server agrees. */
import type { Line } from './line.ts';
import { connectTo, SERVER_GONE, serverName } from './tcp-line.ts';
import { Option } from './telnet.ts';
import { TelnetStream } from './telnet-stream.ts';

const { BINARY, ECHO, SUPPRESS_GO_AHEAD } = Option;

/** What a console wants of Telnet: every byte as it is, character by character, and the board's echo. */
export const CONSOLE_OPTIONS = { us: [BINARY, SUPPRESS_GO_AHEAD], them: [BINARY, SUPPRESS_GO_AHEAD, ECHO] };

export async function openTelnetLine(place: { host: string; port: number }): Promise<Line> {
  const stream = new TelnetStream(await connectTo(place), CONSOLE_OPTIONS);
  return {
    name: serverName(place),
    ifGone: SERVER_GONE,
    stream,
    sendBreak: () => stream.sendBreak(),
    close: () => stream.destroy(),
  };
}
