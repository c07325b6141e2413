import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { PowerDriver } from '../../src/power/driver.ts';
import { readPower, resetPower, switchPower } from '../../src/power/power.ts';
import { parseSpec } from '../../src/power/spec.ts';
import { type Plug, startPlug } from '../support/smart-plug.ts';

const ends: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function start(options?: Parameters<typeof startPlug>[0]): Promise<Plug> {
  const plug = await startPlug(options);
  ends.push(plug.close);
  return plug;
}

/** The three kinds, with `ADDRESS` for where they are. */
const KINDS = [
  ['Tasmota', 'http://ADDRESS/cm?cmnd=Power1'],
  ['Shelly, first generation', 'http://ADDRESS/relay/0'],
  ['Shelly, second generation', 'http://ADDRESS/rpc/Switch?id=0'],
] as const;

const never = new AbortController().signal;

describe.each(KINDS)('%s', (_, spec) => {
  it('switches, tells its state, and is reset', async () => {
    const plug = await start();
    const driver = await parseSpec(spec.replace('ADDRESS', plug.host));
    expect(await readPower(driver)).toBe('off');
    await switchPower(driver, 'on');
    expect(plug.on).toBe(true);
    expect(await readPower(driver)).toBe('on');
    const before = plug.requests.length;
    await resetPower(driver, 0.05, never);
    expect(plug.on).toBe(true);
    expect(plug.requests.slice(before).filter((request) => /off|false/i.test(request))).toHaveLength(1);
  });

  it('is given a password', async () => {
    const plug = await start({ password: 'p@ss:w0rd/%&+"' });
    const credentials = `admin:${encodeURIComponent('p@ss:w0rd/%&+"')}`;
    const driver = await parseSpec(spec.replace('ADDRESS', `${credentials}@${plug.host}`));
    await switchPower(driver, 'on');
    expect(plug.on).toBe(true);
    await switchPower(driver, 'off');
    expect(plug.on).toBe(false);
  });

  it('says that a password is missing, or wrong, and shows none', async () => {
    const plug = await start({ password: 'secret' });
    for (const credentials of ['', 'admin:guess@']) {
      const driver = await parseSpec(spec.replace('ADDRESS', `${credentials}${plug.host}`));
      await expect(switchPower(driver, 'on')).rejects.toThrow(
        `${plug.host} wants the right user name and password (HTTP 401); power= has them as http://USER:PASSWORD@HOST/...`,
      );
    }
    expect(plug.on).toBe(false);
  });

  it.each([
    '[]',
    '{}',
    'null',
    '',
    '<html>no JSON',
    '{"POWER":true,"ison":"yes","was_on":1,"output":"on"}',
    '\x1b]0;title\x07\u202egarbage',
  ])('answers %j', async (body) => {
    const plug = await start({
      fault: (_request, response) => {
        response.end(body);
        return true;
      },
    });
    const driver = await parseSpec(spec.replace('ADDRESS', plug.host));
    const told = switchPower(driver, 'on').catch((error: Error) => error.message);
    expect(await told).toMatch(/^127\.0\.0\.1:\d+ answers ".*"; is the address in power= right\?$/);
    expect(await told).not.toMatch(/[\0-\x1f\u202e]/);
  });
});

describe('a device in trouble', () => {
  const spec = (host: string) => parseSpec(`http://${host}/relay/0`);

  it.each([
    [404, {}, /does not know that address \(HTTP 404\)/],
    [500, {}, /answers HTTP 500; look at the device/],
    [302, { location: 'http://elsewhere/login?p=secret' }, /redirects to http:\/\/elsewhere \(HTTP 302\)/],
    [401, { 'www-authenticate': 'Negotiate' }, /wants the right user name and password \(HTTP 401\)/],
    [403, {}, /HTTP 403/],
  ] as const)('answers HTTP %d', async (status, headers, message) => {
    const plug = await start({
      fault: (_request, response) => {
        response.writeHead(status, headers).end();
        return true;
      },
    });
    await expect(switchPower(await spec(plug.host), 'on')).rejects.toThrow(message);
    expect(plug.requests).toHaveLength(1);
  });

  it('says our secrets back to us: other users do not see them', async () => {
    for (const status of [200, 301, 500]) {
      const plug = await start({
        fault: (request, response) => {
          response.writeHead(status, { location: `https://plug.lab${request.url}` });
          response.end(JSON.stringify({ asked: request.url, authorization: request.headers.authorization }));
          return true;
        },
      });
      for (const path of ['cm', 'cm?user=admin&password=Geheim9', 'on?key=Geheim9 http://h/off']) {
        const driver = await parseSpec(`http://admin:Geheim9@${plug.host}/${path}`);
        const told = await switchPower(driver, 'on').catch((error: Error) => error.message);
        if (status !== 200 || path.startsWith('cm'))
          expect(told).toMatch(/^127\.0\.0\.1:\d+ (answers|redirects)/);
        expect(`${told}`).not.toContain('Geheim9');
      }
    }
  });

  it('answers without end', async () => {
    const plug = await start({
      fault: (_request, response) => {
        const more = () => {
          while (!response.destroyed && response.write('x'.repeat(16384)));
        };
        response.on('drain', more);
        more();
        return true;
      },
    });
    await expect(readPower(await spec(plug.host))).rejects.toThrow('answers more than 65536 bytes');
  });

  it('says nothing, or takes the order and stays as it is: bounded', async () => {
    const silent = await start({ fault: () => true });
    const stubborn = await start({
      fault: (_request, _response, device) => {
        queueMicrotask(() => {
          device.on = false;
        });
        return false;
      },
    });
    const drivers = await Promise.all([silent, stubborn].map(({ host }) => spec(host)));
    const [first, second] = drivers as [PowerDriver, PowerDriver];
    await Promise.all([
      expect(readPower(first)).rejects.toThrow('no answer within 5 s; is the device in order?'),
      expect(switchPower(second, 'on')).rejects.toThrow(
        'the device took the order, but says that it is off; look at the device',
      ),
    ]);
  });

  it('does not speak HTTP, or hangs up', async () => {
    for (const [greeting, message] of [
      ['SSH-2.0-dropbear\r\n', /does not speak HTTP \(HPE_INVALID_CONSTANT\)/],
      ['', /the connection to 127\.0\.0\.1:\d+ broke: ECONNRESET/],
    ] as const) {
      const server = net.createServer((socket) => socket.end(greeting));
      ends.push(() => server.close());
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const { port } = server.address() as AddressInfo;
      await expect(readPower(await spec(`127.0.0.1:${port}`))).rejects.toThrow(message);
    }
  });

  it('is not there: asked twice, and nothing is switched', async () => {
    const plug = await start();
    await plug.close();
    await expect(switchPower(await spec(plug.host), 'on')).rejects.toThrow(
      `${plug.host} refuses the connection; is the address in power= right?`,
    );
    await expect(switchPower(await spec('novaboot.invalid'), 'on')).rejects.toThrow(
      'the name novaboot.invalid is not known',
    );
  });

  it('is lost between off and on', async () => {
    const plug = await start({
      fault: (request, response) => {
        if (!request.url?.includes('turn=on')) return false;
        response.writeHead(503).end();
        return true;
      },
    });
    plug.on = true;
    await expect(resetPower(await spec(plug.host), 0, never)).rejects.toThrow(
      /^switched off, but could not switch on again: 127\.0\.0\.1:\d+ answers HTTP 503; look at the device$/,
    );
  });

  it('has no such relay', async () => {
    const plug = await start();
    const second = await parseSpec(`http://${plug.host}/rpc/Switch?id=7`);
    await expect(switchPower(second, 'on')).rejects.toThrow(
      `answers HTTP 500: {"code":-105,"message":"Argument 'id', value 7 not found!"}; look at the device`,
    );
    const ninth = await parseSpec(`http://${plug.host}/cm?cmnd=Power9`);
    await expect(switchPower(ninth, 'on')).rejects.toThrow('answers "{"Command":"Unknown"}"');
  });
});

describe('https', () => {
  it('trusts a certificate by its fingerprint, and tells it', async () => {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'novaboot-test.'));
    ends.push(() => fs.rmSync(directory, { recursive: true }));
    const [key, cert] = [path.join(directory, 'key'), path.join(directory, 'cert')];
    const words = ['req', '-x509', '-newkey', 'rsa:2048', '-noenc', '-subj', '/CN=plug', '-days', '2'];
    execFileSync('openssl', [...words, '-keyout', key, '-out', cert], { stdio: 'ignore' });
    const plug = await start({ certificate: { key: fs.readFileSync(key), cert: fs.readFileSync(cert) } });
    const address = `https://admin:secret@${plug.host}/relay/0`;

    const told = await switchPower(await parseSpec(address), 'on').catch((error: Error) => error.message);
    expect(told).toMatch(
      / is not trusted \(DEPTH_ZERO_SELF_SIGNED_CERT\); if it is the device's own, add #sha256=/,
    );
    expect(plug.requests).toEqual([]);

    const [pin] = /#sha256=[\dA-F:]+/.exec(String(told)) ?? [];
    for (const form of [`${pin}`, `${pin}`.toLowerCase(), `${pin}`.replaceAll(':', '')]) {
      await switchPower(await parseSpec(`${address}${form}`), 'on');
      await switchPower(await parseSpec(`${address}${form}`), 'off');
    }
    const other = `${address}${`${pin}`.replace(/..$/, '')}${`${pin}`.endsWith('00') ? '11' : '00'}`;
    await expect(switchPower(await parseSpec(other), 'on')).rejects.toThrow(/ is another one; /);
    expect(plug.on).toBe(false);

    const plain = await start();
    await expect(readPower(await parseSpec(`https://${plain.host}/relay/0`))).rejects.toThrow(
      /^no connection to /,
    );
  });
});

describe('plain addresses', () => {
  it('are called, and the state is read where there is one', async () => {
    const plug = await start({
      fault: (request, response, device) => {
        if (request.url === '/on?key=1') device.on = true;
        if (request.url === '/off') device.on = false;
        response.end(request.url === '/state' ? ` ${device.on ? 'On' : '0'}\r\n` : 'OK');
        return true;
      },
    });
    const [on, off, state] = ['/on?key=1', '/off', '/state'].map((path) => `http://${plug.host}${path}`);
    const driver = await parseSpec(`${on} ${off} ${state}`);
    await switchPower(driver, 'on');
    expect(await readPower(driver)).toBe('on');
    await switchPower(driver, 'off');
    expect(await readPower(driver)).toBe('off');
    const silent = await parseSpec(`${on} ${off}`);
    await switchPower(silent, 'on');
    expect(plug.on).toBe(true);
    await expect(readPower(silent)).rejects.toMatchObject({ exitCode: 69 });
    const odd = await parseSpec(`${on} ${off} ${on}`);
    await expect(readPower(odd)).rejects.toThrow('answers "OK"');
  });
});

it.each([
  '',
  ' ',
  'ftp://h/a ftp://h/b',
  'http://h/a',
  'http://h/a http://h/b http://h/c http://h/d',
  'http://h/a /b',
  'http://%zz@h/relay/0',
  'http://h/relay/x',
  'http://h/relay/0/',
  'http://h/rpc/Switch?id=a',
  'http://h/rpc/Shelly.Reboot',
  'http://h/cm?cmnd=Power0',
  'http://h/cm?cmnd=Power1%20On',
  'http://h/cm?cmnd=Reset 1',
  'http://h/relay/0#sha256=00',
  'https://h/relay/0#sha256=00',
])('refuses %s', async (spec) => {
  await expect(parseSpec(spec)).rejects.toMatchObject({ exitCode: 78 });
});
