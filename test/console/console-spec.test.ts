import { expect, it } from 'vitest';
import { parseConsoleSpec } from '../../src/console/console-spec.ts';

const PLAIN = { speed: 115200, dataBits: 8, parity: 'none', stopBits: 1, flowControl: 'none' };

it.each([
  ['serial:/dev/ttyUSB0', PLAIN],
  ['serial:/dev/ttyUSB0,115200n8', PLAIN],
  ['serial:/dev/ttyUSB0,115200', PLAIN],
  ['serial:/dev/ttyUSB0,1500000n8,rtscts', { ...PLAIN, speed: 1500000, flowControl: 'rtscts' }],
  ['serial:/dev/ttyUSB0,9600e72', { ...PLAIN, speed: 9600, parity: 'even', dataBits: 7, stopBits: 2 }],
  ['serial:/dev/ttyUSB0,12345o8,xonxoff', { ...PLAIN, speed: 12345, parity: 'odd', flowControl: 'xonxoff' }],
])('%s', (text, settings) => {
  expect(parseConsoleSpec(text)).toEqual({ kind: 'serial', path: '/dev/ttyUSB0', settings });
});

it.each([
  ['tcp:console.example.org:2001', { kind: 'tcp', host: 'console.example.org', port: 2001 }],
  ['telnet:192.0.2.1:23', { kind: 'telnet', host: '192.0.2.1', port: 23 }],
  ['tcp:[fd00::1]:65535', { kind: 'tcp', host: 'fd00::1', port: 65535 }],
  ['tcp:[fe80::1%eth0]:1', { kind: 'tcp', host: 'fe80::1%eth0', port: 1 }],
  ['rfc2217:host:4000,115200n8', { kind: 'rfc2217', host: 'host', port: 4000, settings: PLAIN }],
])('%s', (text, spec) => {
  expect(parseConsoleSpec(text)).toEqual(spec);
});

it.each([
  '',
  'ttyUSB0',
  '/dev/ttyUSB0',
  'serial:',
  'serial:ttyUSB0',
  'serial:/dev/ttyUSB0,',
  'serial:/dev/ttyUSB0,0n8',
  'serial:/dev/ttyUSB0,115200x8',
  'serial:/dev/ttyUSB0,115200n9',
  'serial:/dev/ttyUSB0,99999999n8',
  'serial:/dev/ttyUSB0,115200n8,fast',
  'serial:/dev/ttyUSB0,115200n8,rtscts,xonxoff',
  'serial:/dev/tty\nUSB0',
  'tcp:host',
  'tcp:host:0',
  'tcp:host:65536',
  'tcp::1',
  'tcp:fd00::1:23',
  'tcp:host:23,115200n8',
  'tcp:a b:23',
  'http://host:23',
])('%j is refused in one line that tells the forms', (text) => {
  expect(() => parseConsoleSpec(text)).toThrow(
    expect.objectContaining({
      exitCode: 78,
      message: expect.stringMatching(/^console: .*; write serial:.*, tcp:.*rfc2217:/s),
    }),
  );
});
