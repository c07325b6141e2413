import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findLogin } from '../../../src/demo/ssh/login.ts';
import { Demo, run } from '../demo-server.ts';

const demo = new Demo();
beforeAll(() => demo.ready());
afterAll(() => demo[Symbol.asyncDispose]());

function authorizedKeys(): string {
  return join(demo.home, '.ssh/authorized_keys');
}

/** Makes a key; @returns its file and public part */
function keygen(name: string, ...args: string[]): { file: string; pub: string } {
  const file = join(demo.state, name);
  execFileSync('ssh-keygen', ['-q', '-N', '', '-f', file, ...args]);
  return { file, pub: readFileSync(`${file}.pub`, 'utf8') };
}

function loginWith(file: string) {
  return bare('-i', file, 'board@127.0.0.1', 'echo $NB_COMMAND');
}

/** The client without the demo's ssh_config, which names a key. */
function bare(...args: string[]) {
  const known = ['-o', 'HostKeyAlias=novaboot-demo', '-o', `UserKnownHostsFile=${demo.state}/known_hosts`];
  const options = ['-o', 'BatchMode=yes', '-o', 'IdentityAgent=none', '-o', 'IdentitiesOnly=yes', ...known];
  return run('ssh', ['-F', 'none', ...options, '-p', String(demo.port), ...args]).result;
}

describe('keys', () => {
  test.each([
    ['rsa', ['-t', 'rsa', '-b', '2048']],
    ['ecdsa', ['-t', 'ecdsa', '-b', '256']],
    ['ed25519', ['-t', 'ed25519']],
  ])('an added key may log in, a removed one may not: %s', async (name, args) => {
    const before = readFileSync(authorizedKeys());
    const { file, pub } = keygen(name, ...args);
    expect((await loginWith(file)).status).toBe(255);
    writeFileSync(
      authorizedKeys(),
      Buffer.concat([before, Buffer.from(`restrict,command="user carol" ${pub}`)]),
    );
    const result = await loginWith(file);
    expect(result.stderr).toBe('');
    expect(result.stdout.toString()).toBe('-c user carol\n');
    writeFileSync(authorizedKeys(), before);
    expect((await loginWith(file)).status).toBe(255);
  });

  test('the key of another is not enough: the signature counts', async () => {
    const { file } = keygen('thief', '-t', 'ed25519');
    writeFileSync(`${file}.pub`, readFileSync(join(demo.state, 'alice.pub')));
    expect(await loginWith(file)).toMatchObject({ status: 255, stdout: Buffer.alloc(0) });
  });

  test('another account, a password', async () => {
    expect((await bare('-i', join(demo.state, 'alice'), 'root@127.0.0.1', 'true')).status).toBe(255);
    const { stderr } = await bare('-o', 'IdentityFile=/nonexistent', 'board@127.0.0.1', 'true');
    expect(stderr).toContain('Permission denied (publickey)');
  });

  test('too many keys', async () => {
    const keys = Array.from({ length: 7 }, (_, index) => [
      '-i',
      keygen(`many${index}`, '-t', 'ed25519').file,
    ]);
    const { status, stderr } = await bare(
      ...keys.flat(),
      '-i',
      join(demo.state, 'alice'),
      'board@127.0.0.1',
      'true',
    );
    expect(status).toBe(255);
    expect(stderr).not.toContain('Permission denied');
  });

  test('no terminal for a key with restrict alone', async () => {
    const before = readFileSync(authorizedKeys());
    const { file, pub } = keygen('plain', '-t', 'ed25519');
    writeFileSync(authorizedKeys(), `restrict,command="user carol" ${pub}`);
    const { stderr } = await bare('-tt', '-i', file, 'board@127.0.0.1', 'tty');
    writeFileSync(authorizedKeys(), before);
    expect(stderr).toContain('PTY allocation request failed');
  });
});

describe('options of an entry', () => {
  const blob = 'AAAAC3NzaC1lZDI1NTE5AAAAIKHggDTydvOmQY5kx/44Ml4vKtXOpFeU1DiGDBoL16q7';
  const find = (options: string) =>
    findLogin(Buffer.from(`${options} ssh-ed25519 ${blob}\n`), Buffer.from(blob, 'base64'));

  test.each([
    ['restrict,pty,command="user bob"', 'user bob', true],
    ['command="user bob admin"', 'user bob admin', true],
    ['command="user bob",no-pty,no-X11-forwarding', 'user bob', false],
    ['pty,restrict,command="user bob"', 'user bob', false],
  ])('%s', (options, command, terminal) => {
    expect(find(options)).toMatchObject({ command, terminal });
  });

  test.each([
    '',
    'restrict',
    'command="/bin/sh"',
    'command="user bob",from="10.0.0.1"',
    'command="user bob",expiry-time="20200101"',
    'command="user bob",environment="A=b"',
    'command="user bob",cert-authority',
    'command="user bob",restrict="no"',
    'command="user bob",unknown',
    'command="user bob",command="user alice"',
  ])('refused: %s', (options) => {
    expect(find(options)).toBeUndefined();
  });

  test('another key', () => {
    expect(
      findLogin(Buffer.from(`command="user a" ssh-ed25519 ${blob}\n`), Buffer.from('x')),
    ).toBeUndefined();
  });
});

describe('what is not served', () => {
  test('forwarding from the client', async () => {
    const { status, stderr } = await demo.ssh(['-W', `127.0.0.1:${demo.port}`, 'alice']).result;
    expect(status).toBe(255);
    expect(stderr).toContain('forwarding');
  });

  test('forwarding to the client', async () => {
    const options = ['-o', 'ExitOnForwardFailure=yes', '-R', '127.0.0.1:0:127.0.0.1:1'];
    expect((await demo.ssh([...options, 'alice', 'true']).result).status).toBe(255);
  });

  test('a unix socket', async () => {
    const options = ['-o', 'ExitOnForwardFailure=yes', '-R', `${demo.state}/s:127.0.0.1:1`];
    expect((await demo.ssh([...options, 'alice', 'true']).result).status).toBe(255);
  });

  test('agent and X11', async () => {
    expect(await demo.text('echo "[$SSH_AUTH_SOCK$DISPLAY]"', '-A', '-X')).toBe('[]\n');
  });

  test('subsystems', async () => {
    const { stderr } = await demo.ssh(['-s', 'alice', 'sftp']).result;
    expect(stderr).toContain('subsystem request failed');
  });

  test('whatever is not SSH', async () => {
    for (const bytes of [
      'GET / HTTP/1.0\r\n\r\n',
      `SSH-2.0-x\r\n${'\xff'.repeat(1000)}`,
      '\0'.repeat(100_000),
    ]) {
      const socket = connect(demo.port, '127.0.0.1', () => socket.end(bytes, 'latin1'));
      socket.on('error', () => {}).resume();
      await once(socket, 'close');
    }
    expect(await demo.text('echo still here')).toBe('still here\n');
  });
});
