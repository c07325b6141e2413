/** Which events are those of the last boot. */
import { expect, test } from 'vitest';
import type { BootEvent, PowerEvent } from '../../../src/commands/why/event.ts';
import { powerEvents } from '../../../src/commands/why/power-events.ts';
import type { PowerRecord } from '../../../src/shell/journal-reader.ts';
import { at, bootOf, consoleOf, RESET } from './consoles.ts';

function power(seconds: number, action: PowerEvent['action'], status: number | null = 0): BootEvent {
  return { event: 'power', time: at(seconds), action, user: 'alice', status };
}

function banner(seconds: number): BootEvent {
  return { event: 'console', time: at(seconds), marker: 'loader', detail: 'U-Boot 1', line: 'U-Boot 1' };
}

function said(events: readonly BootEvent[]): string[] {
  return bootOf(...events).steps.map(({ event }) => {
    const what =
      event.event === 'console' ? event.marker : event.event === 'power' ? event.action : event.event;
    return `${(event.time - at(0)) / 1000} ${what}`;
  });
}

test('it begins with the last reset', () => {
  expect(said([power(0, 'on'), banner(1), power(10, 'reset'), banner(11)])).toEqual([
    '10 reset',
    '11 loader',
  ]);
});

test('it begins when the board was switched on, not when it was on already', () => {
  const events = [power(0, 'off'), power(10, 'on'), banner(11), power(20, 'on'), power(30, 'on', 1)];
  expect(said(events)).toEqual(['10 on', '11 loader', '20 on', '30 on']);
});

test('it begins when a board was switched on that had switched itself off', () => {
  const halt = consoleOf('[    5.7] reboot: Power down\n', at(15));
  expect(said([power(0, 'on'), banner(1), ...halt, power(20, 'on'), banner(21)])).toEqual([
    '20 on',
    '21 loader',
  ]);
});

test('it begins anew with the boot loader, which may have stages', () => {
  const spl = consoleOf(
    "U-Boot SPL 2023.01 (x)\nTrying to boot from MMC1\nU-Boot 2023.01 (x)\nFilename 'Image'.\n",
  );
  expect(bootOf(RESET, ...spl).attempts).toBe(1);
  const twice = bootOf(RESET, ...spl, ...spl.map((event) => ({ ...event, time: event.time + 60_000 })));
  expect(twice).toMatchObject({ attempts: 2, power: RESET });
  expect(twice.before).toHaveLength(spl.length + 1);
  expect(twice.steps).toHaveLength(spl.length);
});

test('a reset by hand is found by the boot loader alone', () => {
  expect(said([banner(1), ...consoleOf('board login: \n', at(5)), banner(60)])).toEqual(['60 loader']);
});

const asks: BootEvent = {
  ...{ event: 'tftp', time: at(60), client: '192.0.2.1:9', file: 'a', bytes: 5, seconds: 1 },
  ...{ retransmissions: 0, outcome: 'complete', result: 'complete' },
};
const login = consoleOf('board login: \n', at(9));
const linux = consoleOf('[    0.0] Linux version 6.1.0\n', at(70));

test('a request of a system that is up begins a boot if one follows', () => {
  expect(said([RESET, ...login, asks])).toEqual(['0 reset', '9 login', '60 tftp']);
  expect(said([RESET, ...login, asks, ...linux])).toEqual(['60 tftp', '70 kernel']);
  const mount = { event: 'mount', time: at(70), user: 'alice', path: '/', status: 'MNT3_OK' } as const;
  expect(said([RESET, ...login, asks, { ...mount, client: '192.0.2.1' }])).toEqual(['60 tftp', '70 mount']);
  expect(said([RESET, ...login, asks, { ...mount, client: '192.0.2.9' }])).toHaveLength(4);
  const shell = consoleOf('root@board:~# dmesg\n', at(65));
  expect(said([RESET, ...login, asks, ...shell, ...linux])).toEqual([
    '0 reset',
    '9 login',
    '60 tftp',
    '65 shell',
  ]);
});

test('what is said over and over is one step', () => {
  const lines = consoleOf("Unknown command 'x' - try 'help'\n".repeat(5));
  expect(bootOf(RESET, ...lines).steps[1]?.count).toBe(5);
});

test('a board that says different things for ever fills no memory', () => {
  const text = Array.from({ length: 5000 }, (_, index) => `Unknown command '${index}' - try 'help'\n`).join(
    '',
  );
  const { steps } = bootOf(RESET, ...consoleOf(text));
  expect(steps).toHaveLength(400);
  expect(steps[0]?.event).toEqual(RESET);
  expect(steps.at(-1)?.event).toMatchObject({ detail: "Unknown command '4999'" });
});

function record(
  seconds: number,
  action: PowerRecord['action'],
  status: number | null,
  user: string | null = 'alice',
) {
  return {
    version: 1,
    event: 'power',
    time: new Date(at(seconds)).toISOString(),
    action,
    status,
    user,
  } as const;
}

test('the records before and after a switching are one event', () => {
  const records = [record(0, 'reset', null), record(2, 'reset', 0), record(9, 'off', null)];
  expect(powerEvents(records)).toEqual([power(0, 'reset'), power(9, 'off', null)]);
});

test('a switching that was killed stays open', () => {
  const records = [record(0, 'on', null), record(5, 'on', null), record(6, 'on', 1)];
  expect(powerEvents(records)).toEqual([power(0, 'on', null), power(5, 'on', 1)]);
});

test('what systemd does for a user is what the user does', () => {
  const records = [
    record(0, 'on', null),
    record(1, 'on', null, null),
    record(2, 'on', 0, null),
    record(3, 'on', 0),
  ];
  expect(powerEvents(records)).toEqual([power(0, 'on')]);
  const alone = [record(0, 'off', null, null), record(1, 'off', 0, null)];
  expect(powerEvents(alone)).toEqual([{ ...power(0, 'off'), user: null }]);
});
