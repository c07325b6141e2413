/** The package's programs, where there is nothing else of ours. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DEBIAN_MS } from '../support/debian-tree.ts';
import { type PackageTree, unpackPackage } from '../support/package-tree.ts';

const CONFIG = 'reset_cmd="echo was reset"\ntarget_config="--uboot=(uboot)"\n';
const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl carol@laptop\n';
let tree: PackageTree;

beforeAll(() => {
  tree = unpackPackage({ '.novaboot-shell': CONFIG });
}, DEBIAN_MS);
afterAll(() => tree?.remove());

function shell(command: string, input = '', user = 'alice admin') {
  const env = { SSH_ORIGINAL_COMMAND: command, PATH: '/usr/bin:/bin' };
  return tree.run(['/usr/bin/novaboot-shell', '-c', `user ${user}`], env, input);
}

it('the login shell answers', () => {
  expect(shell('get-config')).toMatchObject({ status: 0, stdout: '--uboot=(uboot)\n', stderr: '' });
  expect(shell('help')).toMatchObject({ status: 0, stderr: '' });
  expect(shell('help reset').stdout).toMatch(/reset/);
});

it('koffi has its library: the board is locked, and its command replaces Node', () => {
  expect(shell('reset')).toMatchObject({ status: 0, stdout: 'was reset\n' });
});

it('ssh2 has what reads keys', () => {
  expect(shell('add-key carol', KEY)).toMatchObject({ status: 0 });
  expect(shell('add-key carol', 'ssh-ed25519 AAAA\n').stderr).toMatch(/not a valid public key/);
});

it.each([
  ['/usr/sbin/novaboot-admin', '--help', /add-board/],
  ['/usr/sbin/novaboot-admin', '--version', /^\d+\.\d+\.\d+$/m],
  ['/usr/sbin/adduser-novaboot', '--help', /--admin-id/],
  ['/usr/sbin/novaboot-tftpd', '--help', /usage: novaboot-tftpd/],
  ['/usr/lib/novaboot-server/novaboot-nfsd', '--help', /usage: novaboot-nfsd/],
])('%s %s', (program, word, expected) => {
  const { status, stdout, stderr } = tree.run([program, word]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toMatch(expected);
});

it('what a caller has in the environment steers no program', () => {
  const env = {
    NODE_OPTIONS: '--no-such-option',
    NODE_PATH: '/home/board',
    NODE_COMPILE_CACHE: '/home/board',
  };
  for (const program of [
    '/usr/sbin/novaboot-admin',
    '/usr/sbin/novaboot-tftpd',
    '/usr/sbin/adduser-novaboot',
  ]) {
    expect(tree.run([program, '--help'], env)).toMatchObject({ status: 0, stderr: '' });
  }
});
