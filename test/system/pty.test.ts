import { once } from 'node:events';
import { readlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { spawnInTerminal, type TerminalProcess } from '../../src/system/pty.ts';

function run(script: string, size = { rows: 31, columns: 97 }): TerminalProcess {
  return spawnInTerminal(['/bin/sh', '-c', script], {
    cwd: '/',
    size,
    environment: (path) => ({ PATH: '/usr/bin:/bin', SSH_TTY: path }),
  });
}

/** What a terminal prints from now on until it is hung up. */
async function rest(terminal: TerminalProcess): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of terminal.output) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

async function until(terminal: TerminalProcess, text: string): Promise<void> {
  for (let seen = ''; !seen.includes(text); ) {
    const { value, done } = await terminal.output.next();
    if (done) throw new Error(`hung up after ${seen}`);
    seen += value;
  }
}

test('the program has a controlling terminal of the given size, and is a session leader', async () => {
  const terminal = run(
    'stty size; tty; echo $SSH_TTY; ps -o sid= -p $$ | tr -d " "; echo $$; echo x >/dev/tty',
  );
  const lines = (await rest(terminal)).split('\r\n');
  const pid = String(terminal.child.pid);
  expect(lines).toEqual(['31 97', terminal.path, terminal.path, pid, pid, 'x', '']);
});

test('a new size reaches the program', async () => {
  const terminal = run('trap "stty size; exit" WINCH; echo ready; while :; do sleep 0.05; done');
  await until(terminal, 'ready');
  terminal.resize({ rows: 10, columns: 20 });
  expect(await rest(terminal)).toContain('10 20');
  terminal.resize({ rows: 1, columns: 1 });
});

test('the interrupt character is a signal', async () => {
  const terminal = run('echo ready; exec sleep 100');
  await until(terminal, 'ready');
  terminal.input.write('\x03');
  expect(await once(terminal.child, 'exit')).toEqual([null, 'SIGINT']);
});

test('closing hangs up', async () => {
  const terminal = run('echo ready; exec sleep 100');
  await until(terminal, 'ready');
  terminal.close();
  expect(await once(terminal.child, 'exit')).toEqual([null, 'SIGHUP']);
});

test('what is printed arrives also when the program has ended before', async () => {
  const terminal = run('seq 1 500');
  await once(terminal.child, 'exit');
  expect((await rest(terminal)).endsWith('\r\n499\r\n500\r\n')).toBe(true);
});

test('a program may print more than a terminal holds', async () => {
  const terminal = run('seq 1 100000');
  expect((await rest(terminal)).endsWith('\r\n99999\r\n100000\r\n')).toBe(true);
});

test('a program that does not read holds up the writer, not this process', async () => {
  const terminal = run('stty raw -echo; echo ready; sleep 100');
  await until(terminal, 'ready');
  let written = false;
  const start = performance.now();
  terminal.input.write(Buffer.alloc(1 << 20), () => {
    written = true;
  });
  await delay(100);
  expect(performance.now() - start).toBeLessThan(5000);
  expect(written).toBe(false);
  terminal.close();
  await once(terminal.child, 'exit');
});

test('the program has no other descriptor', async () => {
  const terminal = run('echo ready; exec sleep 100');
  await until(terminal, 'ready');
  for (const fd of [0, 1, 2])
    expect(readlinkSync(`/proc/${terminal.child.pid}/fd/${fd}`)).toBe(terminal.path);
  expect(() => readlinkSync(`/proc/${terminal.child.pid}/fd/3`)).toThrow();
  terminal.close();
  await once(terminal.child, 'exit');
});
