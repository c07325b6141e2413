/** Programs of accounts that root starts from its terminal. */
import fs from 'node:fs';
import os from 'node:os';
import { expect, it } from 'vitest';
import { runAsAccount } from '../../src/admin/as-account.ts';

const { uid, gid, username } = os.userInfo();
const account = { name: username, uid, gid, gecos: '', home: os.tmpdir(), shell: '/bin/sh' };

it('have no terminal, or the account could type into it', () => {
  const { status, stdout } = runAsAccount(account, 'cat', ['/proc/self/stat']);
  // proc_pid_stat(5): PID (NAME) state ppid pgrp session tty_nr
  const [, pid, session, terminal] = /^(\d+) \(cat\) \S+ \d+ \d+ (\d+) (-?\d+) /.exec(stdout) ?? [];
  expect({ status, session, terminal }).toEqual({ status: 0, session: pid, terminal: '0' });
  expect(session).not.toBe(fs.readFileSync('/proc/self/stat', 'latin1').split(' ')[5]);
});

it('run in the home directory, with what a login has', () => {
  expect(runAsAccount(account, 'sh', ['-c', 'pwd; echo $HOME; cat'], { input: 'x' }).stdout).toBe(
    `${os.tmpdir()}\n${os.tmpdir()}\nx`,
  );
});
