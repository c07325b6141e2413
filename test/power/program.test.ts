import { type ChildProcess, execFile, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { type Plug, startPlug } from '../support/smart-plug.ts';

const PROGRAM = path.resolve('bin/novaboot-driver.ts');

const plugs: Plug[] = [];
const children: ChildProcess[] = [];

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const plug of plugs.splice(0)) await plug.close();
});

async function start(options?: Parameters<typeof startPlug>[0]): Promise<Plug> {
  const plug = await startPlug(options);
  plugs.push(plug);
  return plug;
}

interface Result {
  readonly status: number | string | null | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

function run(args: readonly string[], spec: string): Promise<Result> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [PROGRAM, ...args], (error, stdout, stderr) => {
      resolve({ status: error ? error.code : 0, stdout, stderr });
    });
    child.stdin?.end(spec);
  });
}

it('switches, is silent about it, and tells the state', async () => {
  const plug = await start();
  const spec = `http://${plug.host}/cm\n`;
  expect(await run(['on'], spec)).toEqual({ status: 0, stdout: '', stderr: '' });
  expect(await run(['state'], spec)).toEqual({ status: 0, stdout: 'on\n', stderr: '' });
  expect(await run(['reset', '0.1'], spec)).toEqual({ status: 0, stdout: '', stderr: '' });
  expect(await run(['off'], spec)).toEqual({ status: 0, stdout: '', stderr: '' });
  expect(await run(['state'], spec)).toEqual({ status: 0, stdout: 'off\n', stderr: '' });
});

it.each([
  [['on'], '', 78, 'on: power=: it is empty'],
  [['on'], 'relay:1', 78, 'on: power=: "relay" is no kind of switch; there are usbrelay, http, '],
  [['on'], 'constructor:1', 78, 'on: power=: "constructor" is no kind of switch; '],
  [['on'], 'usbrelay:LY\x1b[2J_1', 78, 'on: power=: only printable ASCII is allowed'],
  [['on'], 'usbrelay:LY03X_1\nusbrelay:LY03X_2', 78, 'on: power=: only printable ASCII is allowed'],
  [['state'], 'http://127.0.0.1/on http://127.0.0.1/off', 69, 'power: the device cannot tell; '],
  [['reset', 'x'], 'usbrelay:LY03X_1', 78, 'reset: reset_delay is "x"; '],
  [['reset', '9999'], 'usbrelay:LY03X_1', 78, 'reset: reset_delay is "9999"; '],
  [['cycle'], 'usbrelay:LY03X_1', 64, 'cycle: novaboot-driver is for internal use'],
] as const)('%j with %j: status %d', async (args, spec, status, message) => {
  const result = await run(args, spec);
  expect(result).toMatchObject({ status, stdout: '' });
  expect(result.stderr).toContain(`novaboot-shell: ${message}`);
  expect(result.stderr.match(/\n/g)).toHaveLength(1);
});

it('a password is in no argument and in no message', async () => {
  const plug = await start({ password: 'secret' });
  let words = '';
  const watched = await start({
    fault: (_request, response) => {
      words = fs.readdirSync('/proc').reduce((text, pid) => {
        try {
          return text + fs.readFileSync(`/proc/${pid}/cmdline`, 'latin1');
        } catch {
          return text;
        }
      }, '');
      response.end('garbage');
      return true;
    },
  });
  const { stderr } = await run(['on'], `http://admin:hidden-word@${watched.host}/relay/0`);
  expect(words).toContain(PROGRAM);
  expect(words).not.toContain('hidden-word');
  expect(stderr).toContain('answers "garbage"');
  const { stderr: refused } = await run(['on'], `http://admin:hidden-word@${plug.host}/cm`);
  expect(refused).toContain('wants the right user name and password');
  const { stderr: bad } = await run(['on'], `http://admin:hidden-word@${plug.host}/nothing?key=hidden-word`);
  expect(bad).toContain('is none of Tasmota');
  expect(stderr + refused + bad).not.toContain('hidden-word');
});

it.each(['SIGHUP', 'SIGINT', 'SIGTERM'] as const)(
  '%s in the middle of a reset: on again at once',
  async (signal) => {
    let child: ChildProcess | undefined;
    const plug = await start({
      fault: (request, _response, device) => {
        // The state is asked for after it was switched off.
        if (request.url === '/relay/0' && !device.on) child?.kill(signal);
        return false;
      },
    });
    plug.on = true;
    child = spawn(process.execPath, [PROGRAM, 'reset', '600'], { stdio: ['pipe', 'ignore', 'inherit'] });
    children.push(child);
    child.stdin?.end(`http://${plug.host}/relay/0`);
    const status = await new Promise((resolve) => child?.once('exit', resolve));
    expect(status).toBe({ SIGHUP: 129, SIGINT: 130, SIGTERM: 143 }[signal]);
    expect(plug.on).toBe(true);
    expect(plug.requests.filter((request) => request.includes('turn'))).toEqual([
      '/relay/0?turn=off',
      '/relay/0?turn=on',
    ]);
  },
);
