import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { readPower, switchPower } from '../../src/power/power.ts';
import { parseSpec } from '../../src/power/spec.ts';
import { processesWith } from '../../src/system/proc.ts';
import { type SnmpAgent, startSnmpAgent } from '../support/snmp-agent.ts';

let agent: SnmpAgent;
const runtime = fs.mkdtempSync(path.join(os.tmpdir(), 'novaboot-test.'));
beforeAll(async () => {
  agent = await startSnmpAgent();
  process.env.XDG_RUNTIME_DIR = runtime;
});
afterAll(async () => {
  await agent.stop();
  fs.rmSync(runtime, { recursive: true });
});

/** Profile, outlet, [control object, value for on, for off], [state object, its values for on, for off]. */
const DEVICES = [
  ['apc', '7', ['1.3.6.1.4.1.318.1.1.12.3.3.1.1.4.7', 1, 2], ['1.3.6.1.4.1.318.1.1.12.3.5.1.1.4.7', 1, 2]],
  [
    'apc-masterswitch',
    '3',
    ['1.3.6.1.4.1.318.1.1.4.4.2.1.3.3', 1, 2],
    ['1.3.6.1.4.1.318.1.1.4.4.2.1.3.3', 1, 2],
  ],
  [
    'cyberpower',
    '12',
    ['1.3.6.1.4.1.3808.1.1.3.3.3.1.1.4.12', 1, 2],
    ['1.3.6.1.4.1.3808.1.1.3.3.5.1.1.4.12', 1, 2],
  ],
  [
    'gude',
    '58.4',
    ['1.3.6.1.4.1.28507.58.1.3.1.2.1.3.4', 1, 0],
    ['1.3.6.1.4.1.28507.58.1.3.1.2.1.3.4', 1, 0],
  ],
  ['poe', '14', ['1.3.6.1.2.1.105.1.1.1.3.1.14', 1, 2], ['1.3.6.1.2.1.105.1.1.1.3.1.14', 1, 2]],
  [
    'raritan',
    '2.9',
    ['1.3.6.1.4.1.13742.6.4.1.2.1.2.2.9', 1, 0],
    ['1.3.6.1.4.1.13742.6.4.1.2.1.3.2.9', 7, 8],
  ],
  ['tripplite', '1', ['1.3.6.1.4.1.850.10.2.3.5.1.4.1.1', 2, 1], ['1.3.6.1.4.1.850.10.2.3.5.1.2.1.1', 2, 1]],
  ['1.3.6.1.4.1.99999.1=5/6', '', ['1.3.6.1.4.1.99999.1', 5, 6], ['1.3.6.1.4.1.99999.1', 5, 6]],
  [
    '.1.3.6.1.4.1.99999.1=5/6',
    'state=1.3.6.1.4.1.99999.2=0/-1',
    ['1.3.6.1.4.1.99999.1', 5, 6],
    ['1.3.6.1.4.1.99999.2', 0, -1],
  ],
] as const;

it.each(DEVICES)('%s %s', async (profile, outlet, [control, on, off], [state, isOn, isOff]) => {
  agent.write([
    `${state} ${isOff}`,
    `${control} -> ${state} ${on} ${isOn}`,
    `${control} -> ${state} ${off} ${isOff}`,
  ]);
  const driver = await parseSpec(
    `snmp:${profile} ${agent.host} ${outlet} community=private`.replace('  ', ' '),
  );
  expect(await readPower(driver)).toBe('off');
  await switchPower(driver, 'on');
  expect(agent.read(state)).toBe(String(isOn));
  expect(await readPower(driver)).toBe('on');
  await switchPower(driver, 'off');
  expect(agent.sets()).toEqual([`${control} integer ${on}`, `${control} integer ${off}`]);
});

const STATE = '1.3.6.1.4.1.318.1.1.12.3.5.1.1.4.7';
const CONTROL = '1.3.6.1.4.1.318.1.1.12.3.3.1.1.4.7';
const APC = [`${STATE} 2`, `${CONTROL} -> ${STATE} 1 1`, `${CONTROL} -> ${STATE} 2 2`];

it('eaton: two objects, which take seconds to wait', async () => {
  const [base, status] = ['1.3.6.1.4.1.534.6.6.7.6.6.1', '1.3.6.1.4.1.534.6.6.7.6.6.1.2.0.5'];
  agent.write([`${status} 0`, `${base}.4.0.5 -> ${status} 0 1`, `${base}.3.0.5 -> ${status} 0 0`]);
  const driver = await parseSpec(`snmp:eaton ${agent.host} 5 community=private`);
  await switchPower(driver, 'on');
  expect(agent.read(status)).toBe('1');
  await switchPower(driver, 'off');
  expect(agent.read(status)).toBe('0');
  agent.write([`${status} 3`]);
  expect(await readPower(driver)).toBe('off');
});

describe('access', () => {
  it.each([
    'community=private version=1',
    'community=private version=2c',
    'community=sec"ret#',
    'user=admin auth=SHA:authentic"phrase priv=AES:private#phrase',
    'user=watcher auth=MD5:watchword',
  ])('%s', async (access) => {
    agent.write(APC);
    const driver = await parseSpec(`snmp:apc ${agent.host} 7 ${access}`);
    await switchPower(driver, 'on');
    expect(agent.sets()).toEqual([`${CONTROL} integer 1`]);
  });

  it.each([
    ['community=public', /^127\.0\.0\.1 lets us read only \(noAccess\); is it the community for writing\?$/],
    ['community=public version=1', /^127\.0\.0\.1 (lets us read only|has no object)/],
    ['user=admin auth=SHA:wrongphrase', /^127\.0\.0\.1 refuses access \(.*Authentication failure/],
    ['user=admin', /^127\.0\.0\.1 refuses access \(authorizationError/],
    ['user=nobody auth=SHA:wrongphrase', /^127\.0\.0\.1 refuses access \(.*Unknown user name/],
  ])('%s is not enough', async (access, message) => {
    agent.write(APC);
    const driver = await parseSpec(`snmp:apc ${agent.host} 7 ${access}`);
    const told = await switchPower(driver, 'on').catch((error: Error) => error.message);
    expect(told).toMatch(message);
    expect(agent.sets()).toEqual([]);
  });

  it('no process shows a password, and no disk has it', async () => {
    agent.write(APC);
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'novaboot-test.'));
    vi.stubEnv('XDG_RUNTIME_DIR', directory);
    const driver = await parseSpec(`snmp:apc ${agent.host} 7 community=private`);
    const seen = new Set<string>();
    const look = setInterval(() => {
      for (const pid of processesWith([`udp:${agent.host}`])) {
        try {
          seen.add(fs.readFileSync(`/proc/${pid}/cmdline`, 'latin1'));
        } catch {
          // It has ended.
        }
      }
    }, 1);
    while (seen.size === 0) await switchPower(driver, 'on');
    clearInterval(look);
    vi.unstubAllEnvs();
    expect([...seen].join()).toContain('snmp');
    expect([...seen].join()).not.toContain('private');
    const [made = ''] = fs.readdirSync(directory);
    expect(fs.readdirSync(`${directory}/${made}`)).toEqual(['snmp.conf']);
    expect(fs.readlinkSync(`${directory}/${made}/snmp.conf`)).toMatch(/^\/proc\/\d+\/fd\/\d+$/);
    fs.rmSync(directory, { recursive: true });
  });

  it.each(['SIGTERM', 'SIGHUP'] as const)('%s leaves nothing behind', async (signal) => {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'novaboot-test.'));
    const child = spawn(process.execPath, ['bin/novaboot-driver.ts', 'on'], {
      stdio: ['pipe', 'ignore', 'inherit'],
      env: { ...process.env, XDG_RUNTIME_DIR: directory },
    });
    // Nobody is there.
    child.stdin?.end('snmp:apc 127.0.0.1:9 7 community=private');
    await expect.poll(() => fs.readdirSync(directory), { timeout: 20_000 }).toHaveLength(1);
    child.kill(signal);
    expect(await once(child, 'exit')).toEqual([{ SIGTERM: 143, SIGHUP: 129 }[signal], null]);
    expect(fs.readdirSync(directory)).toEqual([]);
    fs.rmdirSync(directory);
  });
});

describe('trouble', () => {
  it('no such outlet', async () => {
    agent.write([]);
    for (const version of ['1', '2c']) {
      const driver = await parseSpec(`snmp:apc ${agent.host} 8 community=private version=${version}`);
      await expect(readPower(driver)).rejects.toThrow(
        '127.0.0.1 has no object 1.3.6.1.4.1.318.1.1.12.3.5.1.1.4.8; are the kind of device and the outlet right?',
      );
    }
  });

  it('another value, another type', async () => {
    agent.write([`${STATE} 9`]);
    const driver = await parseSpec(`snmp:apc ${agent.host} 7 community=private`);
    await expect(readPower(driver)).rejects.toThrow(`127.0.0.1 answers 9 for ${STATE}; look at the device`);
    agent.write([`${STATE} on`]);
    await expect(readPower(driver)).rejects.toThrow(`answers ""on"" for ${STATE}`);
    agent.write([`${STATE} 2`, `${CONTROL} -> ${STATE} 5 1`]);
    await expect(switchPower(driver, 'on')).rejects.toThrow(
      /^127\.0\.0\.1: wrongValue .*; try snmpget by hand$/,
    );
  });

  it('nobody there, an unknown name', async () => {
    const port = Number(agent.host.split(':')[1]) === 9 ? 7 : 9;
    const silent = await parseSpec(`snmp:apc 127.0.0.1:${port} 7 community=private`);
    await expect(readPower(silent)).rejects.toThrow('127.0.0.1 does not answer SNMP');
    const unknown = await parseSpec('snmp:apc novaboot.invalid 7 community=private');
    await expect(readPower(unknown)).rejects.toThrow('the name novaboot.invalid is not known');
  });
});

it.each([
  '',
  'apc',
  'apc pdu',
  'apc pdu 1.2',
  'apc pdu x',
  'apc -v 1',
  'apc pdu;id 1',
  'apc [::1 1',
  'gude pdu 4',
  'nosuch pdu 1',
  'constructor pdu 1',
  'apc pdu 1 community=',
  'apc pdu 1 communty=x',
  'apc pdu 1 community=a community=b',
  'apc pdu 1 community=x version=3',
  'apc pdu 1 user=u community=x',
  'apc pdu 1 user=u auth=SHA:short',
  'apc pdu 1 user=u auth=ROT13:longenough',
  'apc pdu 1 user=u priv=AES:longenough',
  'apc pdu 1 state=1.3.6.1.4=1/2',
  '1.3.6.1.4=1/1 pdu',
  '1.3.6.1.4=1/2 pdu state=x',
  'x=1/2 pdu',
])('refuses snmp:%s', async (rest) => {
  await expect(parseSpec(`snmp:${rest}`)).rejects.toMatchObject({ exitCode: 78 });
});

it('the tests have the programs', async () => {
  await new Promise<void>((resolve, reject) => {
    execFile('snmpget', ['-V'], (error) => (error ? reject(error) : resolve()));
  });
});
