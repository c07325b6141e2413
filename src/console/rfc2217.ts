/** The Telnet Com Port Control Option without I/O: RFC 2217 §3. */
import type { LineSettings } from '../system/termios.ts';
import { Option, subnegotiation } from './telnet.ts';

/** Client to server; the server answers with the number + 100. */
const Request = { SET_BAUDRATE: 1, SET_DATASIZE: 2, SET_PARITY: 3, SET_STOPSIZE: 4, SET_CONTROL: 5 } as const;
const ANSWER = 100;
const PARITY = { none: 1, odd: 2, even: 3 } as const;
/** Values of SET-CONTROL. */
const FLOW_CONTROL = { none: 1, xonxoff: 2, rtscts: 3 } as const;
const BREAK_ON = 5;
const BREAK_OFF = 6;

function request(command: number, value: Buffer): Buffer {
  return subnegotiation(Option.COM_PORT, Buffer.concat([Buffer.of(command), value]));
}

function speedBytes(speed: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(speed);
  return bytes;
}

/** What a server has to answer, by the number of the request. */
function values({ speed, dataBits, parity, stopBits, flowControl }: LineSettings): Map<number, Buffer> {
  return new Map([
    [Request.SET_BAUDRATE, speedBytes(speed)],
    [Request.SET_DATASIZE, Buffer.of(dataBits)],
    [Request.SET_PARITY, Buffer.of(PARITY[parity])],
    [Request.SET_STOPSIZE, Buffer.of(stopBits)],
    [Request.SET_CONTROL, Buffer.of(FLOW_CONTROL[flowControl])],
  ]);
}

const NAMES: Readonly<Record<number, string>> = {
  [Request.SET_BAUDRATE]: 'speed',
  [Request.SET_DATASIZE]: 'number of data bits',
  [Request.SET_PARITY]: 'parity',
  [Request.SET_STOPSIZE]: 'number of stop bits',
  [Request.SET_CONTROL]: 'flow control',
};

export const BREAK = {
  begin: request(Request.SET_CONTROL, Buffer.of(BREAK_ON)),
  end: request(Request.SET_CONTROL, Buffer.of(BREAK_OFF)),
} as const;

/** Settings on their way to the server. */
export class RemoteSettings {
  private readonly open: Map<number, Buffer>;

  constructor(settings: LineSettings) {
    this.open = values(settings);
  }

  /** What to send. */
  requests(): Buffer {
    return Buffer.concat([...this.open].map(([command, value]) => request(command, value)));
  }

  /** Whether each has been answered as it was asked for. */
  get isDone(): boolean {
    return this.open.size === 0;
  }

  /** @returns the name of the setting that the server has not made as it was asked for; undefined if all is well */
  answered(bytes: Buffer): string | undefined {
    const command = (bytes[0] ?? 0) - ANSWER;
    const wanted = this.open.get(command);
    if (wanted === undefined) return undefined;
    this.open.delete(command);
    return wanted.equals(bytes.subarray(1)) ? undefined : NAMES[command];
  }
}
