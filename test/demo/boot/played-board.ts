/** A console command that plays U-Boot and Linux, with a fault if asked to: played-board.ts PIDFILE [FAULT]. */
import { existsSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const [, , pidFile = '', fault = ''] = process.argv;
let line = '';
let prompt = '';
/** What is said goes on only while nothing has reset the board. */
let life = 0;

function say(text: string): void {
  process.stdout.write(text.replaceAll('\n', '\r\n'));
}

async function start(): Promise<void> {
  const mine = ++life;
  prompt = '';
  say('\n\nU-Boot 2023.01 (played)\n\nHit any key to stop autoboot:  2 ');
  if (fault === 'silent') return;
  await delay(3000);
  if (mine === life && prompt === '') atPrompt('=> ', '\nnothing to boot\n');
}

function atPrompt(next: string, answer: string): void {
  prompt = next;
  say(`${answer}${next}`);
}

async function linux(): Promise<void> {
  say('\nStarting kernel ...\n\n');
  await delay(50);
  if (fault === 'panic') say('[    1.0] Kernel panic - not syncing: VFS: \x1b[31mno root\x1b[0m\n');
  else if (fault === 'end') process.exit(1);
  else atPrompt('board# ', '[    1.0] a kernel speaks\n');
}

async function enter(command: string): Promise<void> {
  say('\n');
  if (prompt === 'board# ') {
    const type = fault === 'ramfs' ? 'rootfs rootfs' : '10.0.2.2:/x/root / nfs';
    atPrompt(prompt, command.includes('/proc/mounts') ? `${type} rw 0 0\n` : '');
  } else if (command.startsWith('tftpboot')) {
    const file = command.split(' ').at(-1) ?? '';
    const isThere = fault !== 'no file' && existsSync(`${process.env.HOME}/tftproot/${file}`);
    const answer = isThere ? 'Bytes transferred = 4 (4 hex)\n' : "TFTP error: 'File not found' (1)\n";
    atPrompt(prompt, `Loading: #####\n${answer}`);
  } else if (command.startsWith('boot')) {
    await linux();
  } else {
    atPrompt(prompt, '');
  }
}

process.stdin.setRawMode(true);
process.stdin.on('data', (data) => {
  for (const char of data.toString('latin1')) {
    if (char === '\x1d') process.exit(0);
    if (prompt === '') {
      if (fault !== 'silent') atPrompt('=> ', '\n');
    } else if (char === '\n' || char === '\r') {
      const command = line;
      line = '';
      void enter(command);
    } else {
      line += char;
      say(char);
    }
  }
});
process.on('SIGUSR1', () => void start());
writeFileSync(pidFile, `${process.pid}\n`);
say('(Ctrl-] leaves the console)\n');
void start();
