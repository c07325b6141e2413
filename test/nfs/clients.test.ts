import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Clients, type ClientsOptions, openClients } from '../../src/nfs/clients.ts';
import { addressNumber, contains, parseClient } from '../../src/system/client-list.ts';

const MINUTE = 60_000;
let lines: string[];
let time: number;
let opened: Clients[];

beforeEach(() => {
  lines = [];
  time = 0;
  opened = [];
});
afterEach(() => {
  for (const clients of opened) clients.close();
  vi.useRealTimers();
});

function open(allow: string | string[], options: Partial<ClientsOptions> = {}): Clients {
  const clients = openClients({
    allow: [allow].flat(),
    secure: false,
    log: (priority, message) => void lines.push(`${priority}: ${message}`),
    lookup: () => Promise.reject(new Error('not to be asked')),
    now: () => time,
    ...options,
  });
  opened.push(clients);
  return clients;
}

/** Lets look-ups that answer at once end. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('addresses', () => {
  it.each([
    ['10.0.0.1', ['10.0.0.1', '::ffff:10.0.0.1', '::ffff:a00:1'], ['10.0.0.2', '::a00:1', '1.0.0.10']],
    ['172.17.0.0/24', ['172.17.0.0', '172.17.0.255', '::ffff:172.17.0.9'], ['172.17.1.0', '172.16.255.255']],
    ['172.17.0.9/24', ['172.17.0.1'], ['172.17.1.9']],
    ['192.168.0.0/255.255.0.0', ['192.168.3.4'], ['192.169.0.0']],
    ['0.0.0.0/0', ['1.2.3.4', '::ffff:1.2.3.4'], ['::1', '2001:db8::1']],
    ['10.0.0.1/32', ['10.0.0.1'], ['10.0.0.0']],
    ['::1', ['::1', '0:0:0:0:0:0:0:1'], ['127.0.0.1', '::2']],
    ['2001:db8::/33', ['2001:db8:7fff::1'], ['2001:db8:8000::1']],
    ['fe80::/64', ['fe80::1%eth0', 'fe80::1'], ['fe80:0:0:1::1']],
    ['::ffff:10.0.0.0/104', ['10.255.0.1'], ['11.0.0.1', '::1']],
    ['::ffff:10.0.0.7', ['10.0.0.7'], ['10.0.0.8']],
    ['::/0', ['::1', '2001:db8::1', '127.0.0.1'], []],
  ])('%s', (allow, admitted, refused) => {
    const clients = open(allow);
    for (const address of admitted) expect([address, clients.admits(address, 2000)]).toEqual([address, true]);
    for (const address of refused) expect([address, clients.admits(address, 2000)]).toEqual([address, false]);
  });

  it('takes several, and refuses what is no address', () => {
    const clients = open(['10.0.0.0/8', '::1']);
    expect(
      ['10.1.1.1', '::1', '11.0.0.1', '', 'x', '10.1', '010.0.0.1'].map((a) => clients.admits(a, 1)),
    ).toEqual([true, true, false, false, false, false, false]);
  });

  it('a network holds exactly the addresses that begin as it does', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.ipV4(), fc.integer({ min: 0, max: 32 }), (network, address, prefix) => {
        const client = parseClient(`${network}/${prefix}`);
        const bits = (text: string) =>
          text
            .split('.')
            .map((part) => Number(part).toString(2).padStart(8, '0'))
            .join('')
            .slice(0, prefix);
        expect(client?.kind).toBe('network');
        if (client?.kind !== 'network') return;
        expect(contains(client, addressNumber(address) ?? -1n)).toBe(bits(network) === bits(address));
        expect(contains(client, addressNumber(`::ffff:${address}`) ?? -1n)).toBe(
          bits(network) === bits(address),
        );
      }),
    );
  });
});

describe('--secure', () => {
  it('refuses ports from 1024 on, and says so', () => {
    const clients = open('10.0.0.1', { secure: true });
    expect([1023, 1, 1024, 65535].map((port) => clients.admits('10.0.0.1', port))).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(lines).toEqual(['notice: refused 10.0.0.1: port 1024 is not below 1024']);
  });
});

describe('host names', () => {
  it('are admitted once they are known', async () => {
    const clients = open(['board', '10.0.0.9'], { lookup: async () => ['10.0.0.1', 'fd00::1'] });
    expect(clients.admits('10.0.0.9', 1)).toBe(true);
    expect(clients.admits('10.0.0.1', 1)).toBe(false);
    await clients.ready;
    expect(['10.0.0.1', '::ffff:10.0.0.1', 'fd00::1', '10.0.0.2'].map((a) => clients.admits(a, 1))).toEqual([
      true,
      true,
      true,
      false,
    ]);
  });

  it('are looked up again when somebody unknown comes, but not too often', async () => {
    let answer = ['10.0.0.1'];
    const lookup = vi.fn(async () => answer);
    const clients = open('board', { lookup });
    await clients.ready;
    answer = ['10.0.0.2'];
    for (let knock = 0; knock < 100; knock += 1) clients.admits('10.0.0.2', 1);
    await settled();
    expect(lookup).toHaveBeenCalledTimes(1);
    time = MINUTE / 2;
    for (let knock = 0; knock < 100; knock += 1) clients.admits('10.0.0.2', 1);
    await settled();
    expect(lookup).toHaveBeenCalledTimes(2);
    expect(clients.admits('10.0.0.2', 1)).toBe(true);
    expect(clients.admits('10.0.0.1', 1)).toBe(false);
    expect(lines).toContain('info: board is now 10.0.0.2');
  });

  it('are looked up again from time to time', async () => {
    vi.useFakeTimers();
    const lookup = vi.fn(async () => ['10.0.0.1']);
    const clients = open('board', { lookup });
    await clients.ready;
    await vi.advanceTimersByTimeAsync(11 * MINUTE);
    expect(lookup).toHaveBeenCalledTimes(3);
    clients.close();
    await vi.advanceTimersByTimeAsync(11 * MINUTE);
    expect(lookup).toHaveBeenCalledTimes(3);
  });

  it('one that is not found admits nobody and is named once; what it was before stays', async () => {
    let fails = true;
    const lookup = vi.fn(async (name: string) => {
      if (fails || name === 'nobody') throw Object.assign(new Error(), { code: 'ENOTFOUND' });
      return ['10.0.0.1'];
    });
    const clients = open(['board', 'nobody'], { lookup });
    await clients.ready;
    const failed = ['warning: --allow: board: ENOTFOUND', 'warning: --allow: nobody: ENOTFOUND'];
    expect(lines).toEqual(failed);
    expect(clients.admits('10.0.0.1', 1)).toBe(false);
    fails = false;
    time += MINUTE;
    clients.admits('10.0.0.1', 1);
    await settled();
    expect(clients.admits('10.0.0.1', 1)).toBe(true);
    fails = true;
    time += MINUTE;
    clients.admits('10.0.0.7', 1);
    await settled();
    expect(clients.admits('10.0.0.1', 1)).toBe(true);
    expect(lines.filter((line) => line.includes('nobody'))).toHaveLength(1);
  });
});

describe('the log', () => {
  it('names a refused address once in ten minutes', () => {
    const clients = open('10.0.0.1');
    for (let minute = 0; minute < 20; minute += 1) {
      time = minute * MINUTE;
      clients.admits('10.0.0.2', 1);
    }
    expect(lines).toEqual(Array(2).fill('notice: refused 10.0.0.2: not an allowed client'));
  });

  it('is not flooded by many addresses, nor is the memory', () => {
    const clients = open('10.0.0.1');
    for (let number = 0; number < 100_000; number += 1) clients.admits(`fd00::${number.toString(16)}`, 1);
    expect(lines).toHaveLength(20);
    expect(clients.admits('10.0.0.1', 1)).toBe(true);
  });
});
