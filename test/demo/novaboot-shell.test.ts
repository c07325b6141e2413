/** The demo with the login shell that `npm run build` makes, as the novaboot client uses it. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Demo, eventually, isAlive, run } from './demo-server.ts';

const shell = resolve(import.meta.dirname, '../../dist/novaboot-shell');

describe('a board', () => {
  const demo = new Demo({ shell });
  const control = join(demo.state, 'ctl');
  beforeAll(() => demo.ready());
  afterAll(() => demo[Symbol.asyncDispose]());

  test('get-config prints the options of the board', async () => {
    const { status, stdout, stderr } = await demo.ssh(['bob', 'get-config']).result;
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout.toString().split('\n')).toContain('--uboot=(uboot)');
  });

  test('get-config starts an NFS server, which ends with the demo', async () => {
    await using other = new Demo({ shell });
    await other.ready();
    const config = await other.text('get-config');
    expect(config).toContain(`--nfsroot=10.0.2.2:${other.home}/nfsroot/alice/root\n`);
    expect(config).toMatch(/^--nfsopts=v3,tcp,port=(\d+),mountport=\1,rsize=1048576,wsize=1048576$/m);
    const { state, pid } = JSON.parse(await other.text('nfs status --json'));
    expect(state).toBe('running');
    await other.stop();
    await eventually(() => !isAlive(pid));
  });

  test('commands end with end of input', async () => {
    expect((await demo.ssh(['alice', 'on']).result).status).toBe(0);
    expect((await demo.ssh(['bob', 'reset']).result).status).toBe(0);
  });

  test('another user waits and sees the queue; the same connection does not wait', async () => {
    const holder = demo.ssh(['-tt', '-M', '-S', control, 'alice', 'console'], 'open');
    expect(await holder.seen('\n')).toMatch(/^novaboot-shell: Connected\r\n/);
    const waiter = demo.ssh(['bob', 'reset'], 'open');
    expect(await waiter.seen('alice')).toContain('Target is occupied by:');
    expect((await demo.ssh(['-S', control, 'alice', 'reset']).result).status).toBe(0);
    await holder.seen('DRAM:');

    const file = join(demo.state, 'image');
    writeFileSync(file, 'an image');
    const rsh = ['ssh', '-S', control, ...demo.sshArguments()].join(' ');
    const upload = run('rsync', [
      '-RL',
      '--chmod=ugo=rwX',
      `--rsh=${rsh}`,
      `${demo.state}/./image`,
      'alice:',
    ]);
    expect((await upload.result).status).toBe(0);
    expect(readFileSync(join(demo.home, 'tftproot/image'), 'utf8')).toBe('an image');

    expect(waiter.child.exitCode).toBe(null);
    holder.child.stdin?.write('\x1d');
    expect((await holder.result).status).toBe(0);
    expect((await waiter.result).status).toBe(0);
  });

  test('who gave up waiting does not reset the board', async () => {
    const holder = demo.ssh(['-tt', 'alice'], 'open');
    await holder.seen('Connected');
    const waiter = demo.ssh(['bob', 'reset'], 'open');
    await waiter.seen('alice');
    waiter.child.kill('SIGKILL');
    await eventually(async () => !(await demo.text('status')).includes('bob'));
    holder.child.kill('SIGKILL');
    await eventually(async () => (await demo.text('status')).includes('free'));
  });

  test('an added key may log in at once', async () => {
    const key = join(demo.state, 'carol');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
    const added = await demo.ssh(['alice', 'add-key', 'carol'], readFileSync(`${key}.pub`)).result;
    expect(added).toMatchObject({ status: 0 });
    const asCarol = ['-F', 'none', '-i', key, '-p', String(demo.port), '-o', 'HostKeyAlias=novaboot-demo'];
    const known = ['-o', `UserKnownHostsFile=${join(demo.state, 'known_hosts')}`, '-o', 'BatchMode=yes'];
    const login = () => run('ssh', [...asCarol, ...known, 'board@127.0.0.1', 'get-config']).result;
    expect((await login()).status).toBe(0);
    expect(
      (await demo.ssh(['bob', 'add-key', 'mallory'], readFileSync(`${key}.pub`)).result).status,
    ).not.toBe(0);
    expect((await demo.ssh(['alice', 'remove-key', 'carol']).result).status).toBe(0);
    expect((await login()).status).toBe(255);
  });
});
