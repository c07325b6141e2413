import { expect, it } from 'vitest';
import { Command, Option, subnegotiation, Telnet } from '../../src/console/telnet.ts';
import { CONSOLE_OPTIONS } from '../../src/console/telnet-line.ts';

const { IAC, SB, SE, NOP, WILL, WONT, DO, DONT } = Command;
const { BINARY, ECHO, SUPPRESS_GO_AHEAD, COM_PORT } = Option;

function started(): Telnet {
  const telnet = new Telnet(CONSOLE_OPTIONS);
  telnet.begin();
  return telnet;
}

function received(telnet: Telnet, ...bytes: number[]): { bytes: number[]; reply: number[] } {
  const { bytes: data, reply } = telnet.receive(Buffer.from(bytes));
  return { bytes: [...data], reply: [...reply] };
}

it('asks for what a console needs', () => {
  expect([...new Telnet(CONSOLE_OPTIONS).begin()]).toEqual([
    ...[IAC, WILL, BINARY, IAC, WILL, SUPPRESS_GO_AHEAD],
    ...[IAC, DO, BINARY, IAC, DO, SUPPRESS_GO_AHEAD, IAC, DO, ECHO],
  ]);
});

it('does not answer what it has asked for (RFC 1143: no endless acknowledging)', () => {
  const telnet = started();
  for (let time = 0; time < 2; time += 1) {
    expect(received(telnet, IAC, DO, BINARY, IAC, WILL, BINARY, IAC, WILL, ECHO).reply).toEqual([]);
  }
  expect(received(telnet, IAC, DONT, SUPPRESS_GO_AHEAD).reply).toEqual([]);
});

it('agrees to what it likes later, and says once that it gives in', () => {
  const telnet = started();
  received(telnet, IAC, DONT, BINARY);
  expect(received(telnet, IAC, DO, BINARY).reply).toEqual([IAC, WILL, BINARY]);
  expect(received(telnet, IAC, DONT, BINARY).reply).toEqual([IAC, WONT, BINARY]);
  expect(received(telnet, IAC, DONT, BINARY).reply).toEqual([]);
});

it('refuses every other option', () => {
  const TERMINAL_TYPE = 24;
  expect(received(started(), IAC, DO, TERMINAL_TYPE, IAC, WILL, COM_PORT).reply).toEqual([
    ...[IAC, WONT, TERMINAL_TYPE, IAC, DONT, COM_PORT],
  ]);
  expect(received(started(), IAC, WONT, TERMINAL_TYPE, IAC, DONT, COM_PORT).reply).toEqual([]);
});

it('takes out commands and subnegotiations, also broken ones', () => {
  const telnet = started();
  expect(received(telnet, 1, IAC, NOP, 2, IAC, IAC, 3).bytes).toEqual([1, 2, 255, 3]);
  expect(received(telnet, 4, IAC, SB, 24, 1, IAC, IAC, 5, IAC, SE, 6).bytes).toEqual([4, 6]);
  expect(received(telnet, 7, IAC, SB, 24, 1, IAC, NOP, 8).bytes).toEqual([7, 8]);
  const endless = Buffer.alloc(1 << 20, 9);
  expect(telnet.receive(Buffer.concat([Buffer.of(IAC, SB), endless, Buffer.of(IAC, SE, 10)])).bytes).toEqual(
    Buffer.of(10),
  );
});

it('a carriage return is NUL-padded until both sides are binary (RFC 854)', () => {
  const telnet = started();
  expect([...telnet.encode(Buffer.from('a\rb'))]).toEqual([97, 13, 0, 98]);
  expect(received(telnet, 97, 13, 0, 98, 13, 10, 0).bytes).toEqual([97, 13, 98, 13, 10, 0]);
  received(telnet, IAC, DO, BINARY, IAC, WILL, BINARY);
  expect([...telnet.encode(Buffer.from('a\rb'))]).toEqual([97, 13, 98]);
  expect(received(telnet, 97, 13, 0, 98).bytes).toEqual([97, 13, 0, 98]);
});

it('subnegotiations arrive whole', () => {
  const seen: [number, number[]][] = [];
  const telnet = new Telnet({
    us: [],
    them: [],
    onSubnegotiation: (option, bytes) => seen.push([option, [...bytes]]),
  });
  const sent = subnegotiation(COM_PORT, Buffer.of(101, 0, 255, 240, 1));
  for (const byte of sent) telnet.receive(Buffer.of(byte));
  expect(seen).toEqual([[COM_PORT, [101, 0, 255, 240, 1]]]);
});
