/**
 * The Telnet protocol of a client, without I/O: RFC 854, options by RFC 855 and the rules of RFC 1143 (a side that has
 * an option is not answered when it is told of it again), binary transmission (RFC 856), echo (RFC 857), suppressed go
 * ahead (RFC 858).
 */

/** RFC 854, "Telnet command structure" */
export const Command = {
  SE: 240,
  NOP: 241,
  BRK: 243,
  SB: 250,
  WILL: 251,
  WONT: 252,
  DO: 253,
  DONT: 254,
  IAC: 255,
};
export const Option = { BINARY: 0, ECHO: 1, SUPPRESS_GO_AHEAD: 3, COM_PORT: 44 } as const;

const { SE, SB, WILL, WONT, DO, DONT, IAC } = Command;
const CR = 13;
const NUL = 0;
/** Longer subnegotiations are cut: the longest that we understand has six bytes, and signatures are for people. */
const MAX_SUBNEGOTIATION = 256;

/** On whose side an option is in force. */
type Side = 'us' | 'them';
type OptionState = 'off' | 'asked' | 'on';

export interface TelnetOptions {
  /** Options that we ask to have ourselves, and those that the server is to have; every other one is refused. */
  readonly us: readonly number[];
  readonly them: readonly number[];
  /** An option was granted or refused. */
  readonly onOption?: (side: Side, option: number, isOn: boolean) => void;
  readonly onSubnegotiation?: (option: number, bytes: Buffer) => void;
}

/** Puts IAC in front of each byte IAC. */
function doubled(bytes: Buffer): Buffer {
  if (!bytes.includes(IAC)) return bytes;
  const out: number[] = [];
  for (const byte of bytes) {
    if (byte === IAC) out.push(IAC);
    out.push(byte);
  }
  return Buffer.from(out);
}

export function subnegotiation(option: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.of(IAC, SB, option), doubled(bytes), Buffer.of(IAC, SE)]);
}

export class Telnet {
  private readonly options: TelnetOptions;
  private readonly states: Record<Side, Map<number, OptionState>> = { us: new Map(), them: new Map() };
  /** What the next byte is; `verb` waits for the option of a WILL, WONT, DO or DONT. */
  private expecting: 'data' | 'command' | 'verb' | 'subnegotiation' | 'subnegotiation command' = 'data';
  private verb = 0;
  private afterCr = false;
  private collected: number[] = [];
  private replies: number[] = [];

  constructor(options: TelnetOptions) {
    this.options = options;
  }

  /** What to say first. */
  begin(): Buffer {
    for (const option of this.options.us) this.ask('us', option);
    for (const option of this.options.them) this.ask('them', option);
    return this.takeReplies();
  }

  isOn(side: Side, option: number): boolean {
    return this.states[side].get(option) === 'on';
  }

  /** Takes what the server sent. @returns the board's bytes, and what is to be sent back */
  receive(chunk: Buffer): { readonly bytes: Buffer; readonly reply: Buffer } {
    const bytes = Buffer.alloc(chunk.length);
    let length = 0;
    for (const byte of chunk) {
      if (this.isData(byte)) {
        bytes[length] = byte;
        length += 1;
      }
    }
    return { bytes: bytes.subarray(0, length), reply: this.takeReplies() };
  }

  /** The user's bytes as they are to be sent. */
  encode(bytes: Buffer): Buffer {
    const escaped = doubled(bytes);
    if (this.isOn('us', Option.BINARY) || !escaped.includes(CR)) return escaped;
    // RFC 854: a carriage return that is not a new line is followed by NUL.
    return Buffer.from(escaped.toString('latin1').replaceAll('\r', '\r\0'), 'latin1');
  }

  private isData(byte: number): boolean {
    switch (this.expecting) {
      case 'data':
        return this.isPlain(byte);
      case 'command':
        return this.command(byte);
      case 'verb':
        this.expecting = 'data';
        this.negotiate(this.verb, byte);
        return false;
      case 'subnegotiation':
        if (byte === IAC) this.expecting = 'subnegotiation command';
        else this.collect(byte);
        return false;
      case 'subnegotiation command':
        return this.endSubnegotiation(byte);
    }
  }

  private isPlain(byte: number): boolean {
    const isPadding = byte === NUL && this.afterCr && !this.isOn('them', Option.BINARY);
    if (byte === IAC) this.expecting = 'command';
    else this.afterCr = byte === CR;
    return byte !== IAC && !isPadding;
  }

  /** @returns true for a byte 255 of the board's */
  private command(byte: number): boolean {
    this.expecting = 'data';
    if (byte === SB) {
      this.collected = [];
      this.expecting = 'subnegotiation';
    } else if (byte >= WILL && byte <= DONT) {
      this.verb = byte;
      this.expecting = 'verb';
    } else if (byte === IAC) this.afterCr = false;
    return byte === IAC;
  }

  private collect(byte: number): void {
    if (this.collected.length < MAX_SUBNEGOTIATION) this.collected.push(byte);
  }

  private endSubnegotiation(byte: number): boolean {
    this.expecting = 'subnegotiation';
    if (byte === IAC) {
      this.collect(byte);
      return false;
    }
    this.expecting = 'data';
    const [option, ...bytes] = this.collected;
    if (option !== undefined) this.options.onSubnegotiation?.(option, Buffer.from(bytes));
    // Without SE it has been broken off: this is a command of its own.
    return byte === SE ? false : this.command(byte);
  }

  private negotiate(verb: number, option: number): void {
    const side = verb === DO || verb === DONT ? 'us' : 'them';
    const isWanted = this.options[side].includes(option);
    const before = this.states[side].get(option) ?? 'off';
    const isOn = (verb === DO || verb === WILL) && isWanted;
    const refusal = side === 'us' ? WONT : DONT;
    this.states[side].set(option, isOn ? 'on' : 'off');
    if (isOn && before === 'off') this.replies.push(IAC, side === 'us' ? WILL : DO, option);
    else if (!isOn && (before === 'on' || verb === DO || verb === WILL))
      this.replies.push(IAC, refusal, option);
    if (isWanted) this.options.onOption?.(side, option, isOn);
  }

  private ask(side: Side, option: number): void {
    this.states[side].set(option, 'asked');
    this.replies.push(IAC, side === 'us' ? WILL : DO, option);
  }

  private takeReplies(): Buffer {
    const replies = Buffer.from(this.replies);
    this.replies = [];
    return replies;
  }
}
