/** What is known of a board, from the files in its home directory. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { diagnose } from '../../../src/commands/why/diagnosis.ts';
import { gather } from '../../../src/commands/why/gather.ts';
import { openConsoleLog } from '../../../src/console/log-writer.ts';
import type { Session } from '../../../src/shell/command.ts';
import { recorded } from './consoles.ts';

let home: string;
let session: Session;

beforeEach(() => {
  home = fs.mkdtempSync(path.join(os.tmpdir(), 'why-'));
  const configPath = path.join(home, '.novaboot-shell');
  const common = { user: 'alice', admin: false, parent: process.pid, softFileLimit: undefined, env: {} };
  session = { ...common, home, lockDirectory: home, configPath };
  configure('console_log=yes\ntftp_journal=', path.join(home, 'tftp/lab.journal'), '\n');
});
afterEach(() => fs.rmSync(home, { recursive: true }));

function write(name: string, ...records: readonly object[]): void {
  const file = path.join(home, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, records.map((record) => `${JSON.stringify({ version: 1, ...record })}\n`).join(''));
}

function configure(...words: readonly string[]): void {
  fs.writeFileSync(session.configPath, words.join(''));
}

const time = () => new Date(Date.now() - 60_000).toISOString();
const START = { event: 'start', session: '1.2', user: 'alice', from: 'here', command: 'console' };

function journal(...records: readonly object[]): void {
  const reset = { event: 'power', time: time(), user: 'alice', action: 'reset' };
  const switched = [
    { ...reset, status: null },
    { ...reset, status: 0 },
  ];
  write('.local/state/novaboot/journal', ...records, ...switched);
}

/** As the console that is connected has it. */
function watch(): void {
  journal(
    { ...START, time: time() },
    { event: 'end', session: '1.2', time: new Date().toISOString(), status: 0 },
  );
}

test('console log, journals and files together', () => {
  watch();
  const log = openConsoleLog(home, 'alice', () => {});
  log.write(recorded('wrong-nfsroot'));
  log.close();
  write('tftp/lab.journal', {
    ...{ event: 'tftp', time: time(), client: '127.0.0.1:1', file: 'Image', bytes: 5, seconds: 1 },
    ...{ retransmissions: 0, outcome: 'complete', result: 'complete' },
  });
  write('.cache/unfsd/alice.journal', {
    ...{ event: 'mount', time: new Date().toISOString(), client: '127.0.0.1' },
    ...{ path: '/wrong', status: 'MNT3ERR_NOENT' },
  });
  write('.cache/unfsd/alice.lock');
  write('tftproot/Image');
  const { situation, notes } = gather(session);
  expect(notes).toEqual([]);
  const sources = new Set(situation.boot.steps.map(({ event }) => event.event));
  expect([...sources].sort()).toEqual(['console', 'mount', 'power', 'session', 'tftp']);
  expect(situation).toMatchObject({
    files: ['Image'],
    consoleLog: 'watched',
    tftpJournal: true,
    holder: undefined,
  });
  expect(diagnose(situation).verdict).toBe('wrong-nfsroot');
});

test('a line that takes long is heard until its last byte', () => {
  const directory = path.join(home, '.local/state/novaboot/console');
  fs.mkdirSync(directory, { recursive: true });
  fs.writeFileSync(path.join(directory, '1.log'), 'U-Boot 2023.01\nLoading: ########');
  fs.writeFileSync(path.join(directory, '1.times'), '[0,1000]\n[15,2000]\n[26,90000]\n');
  expect(gather(session).situation.heardUntil).toBe(90_000);
});

test('a board of which nothing was ever heard', () => {
  const { situation, notes } = gather(session);
  expect(situation).toMatchObject({ consoleLog: 'unwatched', tftpJournal: false, files: undefined });
  expect(notes).toEqual([expect.stringContaining(`${home}/tftp/lab.journal: ENOENT`)]);
  expect(diagnose(situation).verdict).toBe('unknown');
});

test('a TFTP server that has heard nothing of the board yet', () => {
  fs.mkdirSync(path.join(home, 'tftp'));
  expect(gather(session)).toMatchObject({ situation: { tftpJournal: true }, notes: [] });
});

test('a console that is not recorded', () => {
  configure('console_cmd=true\n');
  journal();
  const { situation, notes } = gather(session);
  expect(situation.consoleLog).toBe('none');
  expect(notes).toHaveLength(2);
  expect(notes[0]).toContain('/var/lib/novaboot-tftpd/');
  expect(notes[1]).toContain('console_log=yes');
});

test.each([
  ['console_cmd="picocom $console"\nconsole=/dev/ttyUSB0\n', 'none'],
  ["console_cmd='picocom x'\nconsole=serial:/dev/ttyUSB0\n", 'none'],
  ['console=serial:/dev/ttyUSB0\n', 'unwatched'],
  ['console_cmd() { :; }\nconsole_cmd=console_cmd\nconsole_log=yes\n', 'unwatched'],
])('whether consoles are recorded with %j', (text, consoleLog) => {
  configure(text);
  expect(gather(session).situation.consoleLog).toBe(consoleLog);
});

test('nothing in the configuration is run', () => {
  configure(`touch ${home}/run\nconsole_log=yes\n: "$(touch ${home}/run)"\nconsole_cmd() { :; }\n`);
  journal();
  expect(gather(session).situation.consoleLog).toBe('unwatched');
  expect(fs.existsSync(path.join(home, 'run'))).toBe(false);
});

test('what was before the last reset is not read', () => {
  const log = openConsoleLog(home, 'alice', () => {});
  log.write(Buffer.from('Kernel panic - not syncing: old\r\n'));
  log.close();
  const reset = {
    event: 'power',
    time: new Date(Date.now() + 1000).toISOString(),
    user: 'alice',
    action: 'reset',
  };
  write('.local/state/novaboot/journal', { ...reset, status: 0 });
  expect(gather(session).situation.boot.steps).toHaveLength(1);
});
