/** novaboot-admin with 200 boards of 5 users: accounts that only a mount namespace of our own knows, so it needs root. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { flock, LOCK_EX } from '../../src/system/descriptors.ts';
import { median, program, time } from './figures.ts';

const BOARDS = 200;
const USERS = 5;
const ROUNDS = 7;
const FIRST_UID = 200_000;
/** Journals begin anew at that size. */
const JOURNAL_BYTES = 1024 * 1024;

const INSIDE = 'inside';

export async function measureStatus(): Promise<void> {
  if (process.getuid?.() !== 0) {
    console.log('status: needs root, for accounts in a mount namespace of its own');
    return;
  }
  // The accounts' ids get to their homes.
  const directory = fs.mkdtempSync('/var/tmp/novaboot-bench-');
  fs.chmodSync(directory, 0o755);
  try {
    const args = ['--mount', process.execPath, import.meta.filename, INSIDE, directory];
    const { status } = spawnSync('unshare', args, { stdio: 'inherit' });
    if (status !== 0) throw new Error(`unshare ended with ${status}`);
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
}

/** Sessions of some months, the last switching among the older ones. */
function journal(): string {
  const power =
    '{"version":1,"event":"power","session":"1.2","user":"alice","time":"2026-11-21T10:00:00.000Z"';
  const lines = [`${power},"action":"off","status":0}\n`];
  const session = { version: 1, event: 'start', session: '1.2', time: '2026-11-21T10:00:00Z', user: 'bob' };
  const line = `${JSON.stringify({ ...session, from: 'host.lab', command: 'console' })}\n`;
  return lines[0] + line.repeat(Math.floor(JOURNAL_BYTES / line.length));
}

/** @returns the line of passwd(5) */
function makeBoard(directory: string, number: number, history: string): string {
  const name = `board${number}`;
  const home = path.join(directory, name);
  const uid = FIRST_UID + number;
  const write = (file: string, text: string) => {
    fs.mkdirSync(path.dirname(path.join(home, file)), { recursive: true, mode: 0o700 });
    fs.writeFileSync(path.join(home, file), text, { mode: 0o600 });
  };
  // Nobody listens there, which is told at once.
  write('.novaboot-shell', `console=tcp:127.0.0.1:${2000 + number}\npower=usbrelay:LY03X_1\n`);
  write('.novaboot-nfs', 'allowed_clients=192.0.2.0/24\nquota=20G\n');
  write('.local/state/novaboot/journal', history);
  for (let user = 1; user <= USERS; user += 1) {
    const port = 2000 + number * USERS + user;
    write(`.cache/unfsd/user${user}.lock`, '');
    write(`.cache/unfsd/user${user}.ports`, `NFS_UDP=${port}\nNFS_TCP=${port}\n`);
    const figures = { bytes: 1e9, files: 1e5 };
    const usage = { version: 1, boot: 'b', dirty: 0, served: false, uploads: figures, roots: {}, saved: {} };
    write(`.cache/unfsd/user${user}.usage`, JSON.stringify({ ...usage, roots: { '1:2': figures } }));
  }
  for (const file of ['', ...fs.readdirSync(home, { recursive: true, encoding: 'utf8' })]) {
    fs.lchownSync(path.join(home, file), uid, uid);
  }
  return `${name}:x:${uid}:${uid}::${home}:${program('novaboot-shell')}\n`;
}

function lock(file: string): void {
  flock(fs.openSync(file, 'r'), LOCK_EX);
}

/** In the namespace. */
function inside(directory: string): void {
  const history = journal();
  const passwd = path.join(directory, 'passwd');
  const lines = Array.from({ length: BOARDS }, (_, number) => makeBoard(directory, number, history));
  fs.writeFileSync(passwd, fs.readFileSync('/etc/passwd', 'latin1') + lines.join(''));
  time(['mount', '--bind', passwd, '/etc/passwd']);
  // Each second board is in use, with all its servers.
  for (let number = 0; number < BOARDS; number += 2) {
    const home = path.join(directory, `board${number}`);
    lock(home);
    for (let user = 1; user <= USERS; user += 1) lock(path.join(home, `.cache/unfsd/user${user}.lock`));
  }
  const measured = (words: readonly string[]) =>
    median(Array.from({ length: ROUNDS }, () => time([program('novaboot-admin'), ...words])));
  const of = `${BOARDS} boards x ${USERS} users`;
  console.log(`status of ${of}: ${(measured(['status', '--json']) / 1000).toFixed(2)} s (goal 2)`);
  console.log(`metrics of ${of}: ${(measured(['metrics']) / 1000).toFixed(2)} s, servers not asked`);
  console.log(`list of ${of}: ${(measured(['list']) / 1000).toFixed(2)} s`);
  console.log(`check of ${of}: ${(measured(['check']) / 1000).toFixed(2)} s`);
  // One look at all is long enough to tell. It finds faults: there are no switches and no consoles.
  const doctor = time([program('novaboot-admin'), 'doctor', '--json'], {}, [0, 1]);
  console.log(`doctor of ${of}: ${(doctor / 1000).toFixed(1)} s`);
}

const [, script, word, directory = ''] = process.argv;
if (script === import.meta.filename && word === INSIDE) inside(directory);
