/** Who gets which tree, by the addresses that the network shows: real ones, in network namespaces. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeNetwork, type Network } from '../support/network.ts';
import { eventually } from '../support/ssh-session.ts';
import { startTftpDaemon, type TftpDaemon } from '../support/tftp-daemon.ts';

const PORT = 6969;
const MAC = 'dc:a6:32:01:02:03';
const OWN = '10.9.0.20';
const OTHER = '10.9.0.30';
const STRANGER = '10.9.0.99';
/** Exit statuses of curl(1). */
const NOT_FOUND = 68;

const CONFIG = `
[board rpi4]
address=${OWN} fd00:9::20
serial=9a8b7c6d
mac=${MAC}
[board other]
address=${OTHER}
serial=0000abcd
[board open]
public=yes
`;

let network: Network;
let daemon: TftpDaemon;
let journals: string;

beforeAll(async () => {
  if (spawnSync('curl', ['--version']).error) throw new Error('curl is missing: apt-get install curl');
  network = await makeNetwork({
    server: ['10.9.0.1/24', 'fd00:9::1/64'],
    boards: [OWN, OTHER, STRANGER].map((address) => `${address}/24`).concat('fd00:9::20/64', 'fd00:9::99/64'),
    mac: MAC,
  });
  journals = fs.mkdtempSync(path.join(os.tmpdir(), 'tftp-addresses-'));
  daemon = await startTftpDaemon({
    config: `journal=${journals}\n${CONFIG}`,
    files: {
      ...{ 'rpi4/Image': 'rpi4', 'rpi4/pxelinux.cfg/01-dc-a6-32-01-02-03': 'its label' },
      ...{ 'other/Image': 'other', 'open/Image': 'open', 'public/all': 'for all', 'public/Image': 'common' },
    },
    listen: [`[::]:${PORT}`],
    // Behind nsenter, which makes the kernel forget it.
    before: [...network.server, 'setpriv', '--pdeathsig', 'KILL', '--'],
  });
});
afterAll(async () => {
  await daemon?.stop();
  await network?.stop();
  fs.rmSync(journals, { recursive: true, force: true });
});

/** @returns the content, or the exit status */
function get(from: string, name: string): string | number | null {
  const server = from.includes(':') ? '[fd00:9::1]' : '10.9.0.1';
  const url = `tftp://${server}:${PORT}/${name}`;
  const [file = '', ...args] = [...network.boards, 'curl', '-sS', '--path-as-is', '--interface', from, url];
  const { stdout, status } = spawnSync(file, args, { encoding: 'utf8', timeout: 20_000 });
  return status === 0 ? stdout : status;
}

describe('a board with its address in the table', () => {
  it.each([
    [OWN, 'Image', 'rpi4'],
    [OWN, '/Image', 'rpi4'],
    [OWN, 'rpi4/Image', 'rpi4'],
    [OWN, '9a8b7c6d/Image', 'rpi4'],
    [OWN, 'dc-a6-32-01-02-03/Image', 'rpi4'],
    ['fd00:9::20', 'Image', 'rpi4'],
    [OTHER, 'Image', 'other'],
    [OWN, 'all', 'for all'],
    [OWN, 'open/Image', 'open'],
    [OWN, 'other/Image', NOT_FOUND],
    [OWN, '0000abcd/Image', NOT_FOUND],
    [OTHER, '9a8b7c6d/Image', NOT_FOUND],
    // By ARP it would be the other one: all addresses have its hardware address.
    [OTHER, 'dc-a6-32-01-02-03/Image', NOT_FOUND],
    [OTHER, 'pxelinux.cfg/01-dc-a6-32-01-02-03', NOT_FOUND],
  ])('%s asks for %s: %s', (from, name, content) => expect(get(from, name)).toBe(content));
});

describe('a client that nobody knows', () => {
  it.each([
    [STRANGER, 'Image', 'common'],
    ['fd00:9::99', 'Image', 'common'],
    [STRANGER, 'all', 'for all'],
    [STRANGER, 'open/Image', 'open'],
    [STRANGER, 'rpi4/Image', NOT_FOUND],
    [STRANGER, 'other/Image', NOT_FOUND],
    [STRANGER, '9a8b7c6d/Image', 'rpi4'],
    ['fd00:9::99', '9a8b7c6d/Image', 'rpi4'],
    [STRANGER, 'dc-a6-32-01-02-03/Image', 'rpi4'],
    [STRANGER, 'pxelinux.cfg/01-dc-a6-32-01-02-03', 'its label'],
    [STRANGER, '12345678/Image', NOT_FOUND],
  ])('%s asks for %s: %s', (from, name, content) => expect(get(from, name)).toBe(content));

  it('gets nothing where nothing is public', async () => {
    daemon.configure(CONFIG.replace('public=yes', '').replace(/^/, `public=\njournal=${journals}\n`));
    daemon.signal('SIGHUP');
    await daemon.logged(/read again, 3 boards$/m);
    for (const name of ['all', 'Image', 'open/Image']) expect(get(STRANGER, name)).toBe(NOT_FOUND);
    expect(get(OWN, 'Image')).toBe('rpi4');
    expect(get(STRANGER, '9a8b7c6d/Image')).toBe('rpi4');
  });
});

it('the log has addresses as their family writes them', () => {
  expect(daemon.log()).toMatch(/^<6>transfer client=10\.9\.0\.20:\d+ board=rpi4 /m);
  expect(daemon.log()).toMatch(/^<6>transfer client=\[fd00:9::20\]:\d+ board=rpi4 /m);
});

it.each([
  ['rpi4', [OWN, 'fd00:9::20', STRANGER, 'fd00:9::99', `stranger ${STRANGER}`]],
  ['other', [OTHER, `stranger ${STRANGER}`]],
  ['open', [`stranger ${STRANGER}`]],
])('the journal of %s has its requests, and those of strangers who named it', async (board, clients) => {
  const known = () => {
    const lines = fs
      .readFileSync(path.join(journals, `${board}.journal`), 'utf8')
      .trimEnd()
      .split('\n');
    const all = lines.map((line) => {
      const { client, stranger } = JSON.parse(line);
      return `${stranger ? 'stranger ' : ''}${client.replace(/:\d+$/, '').replace(/[[\]]/g, '')}`;
    });
    return [...new Set(all)].sort();
  };
  await eventually('the last record', () => known().length >= clients.length);
  expect(known()).toEqual(clients.sort());
});
