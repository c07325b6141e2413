/**
 * A guest: a real Linux kernel in QEMU (emulated, never KVM), with the programs of this machine in its memory, that
 * runs commands for a test. 10.0.2.2 is this machine's loopback there.
 */
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { type GuestOptions, makeGuestImage } from './guest-image.ts';
import { spawnTestChild } from './test-child.ts';

const BOOT_MS = 110_000;
const COMMAND_MS = 100_000;
/** busybox has the rest. */
const TOOLS = [
  ...'tar git rsync perl setpriv flock getfattr setfattr cmp find'.split(' '),
  ...'ls stat cat cp mv rm ln mkdir mkfifo mknod chown chgrp chmod touch dd truncate readlink'.split(' '),
  ...'id date sync sha256sum sort seq wc head'.split(' '),
];

export interface GuestResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Guest {
  /**
   * Runs a script of /bin/sh as root (`as alice COMMAND` for another user); any number at once.
   *
   * @throws Error if there is no answer within `milliseconds`, or if the guest ends
   */
  run(script: string, milliseconds?: number): Promise<GuestResult>;
  /**
   * The standard output of a script whose commands all succeed (`sh -e`), without the last newline.
   *
   * @throws Error with its output if it fails
   */
  sh(script: string, milliseconds?: number): Promise<string>;
  /** What the kernel and /init said. */
  console(): string;
  /** Ends QEMU, as a power cut does. */
  stop(): Promise<void>;
}

/** @throws Error that says what is missing on this machine, or with the console if the guest does not come up */
export async function bootGuest(options: GuestOptions = {}): Promise<Guest> {
  const image = makeGuestImage(options, TOOLS);
  const log = path.join(image.directory, 'console.log');
  const argv = [
    ...[...image.argv, '-serial', `file:${log}`],
    ...['-chardev', 'stdio,id=agent,signal=off', '-device', 'virtio-serial-pci'],
    ...['-device', 'virtserialport,chardev=agent,name=agent'],
    ...(options.qemu ?? []),
  ];
  const child = spawnTestChild(argv);
  const closed = once(child, 'close');
  let errors = '';
  child.stderr.on('data', (text: string) => {
    errors += text;
  });

  const said = () => (fs.existsSync(log) ? fs.readFileSync(log, 'utf8') : '');
  /** What waits for a line, by its first word. */
  const waiting = new Map<string, (words: readonly string[]) => void>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    const [id = '', ...words] = line.split(' ');
    waiting.get(id)?.(words);
    waiting.delete(id);
  });
  function answer(id: string, what: string, milliseconds: number): Promise<readonly string[]> {
    const { promise, resolve, reject } = Promise.withResolvers<readonly string[]>();
    const fail = (why: string) =>
      reject(new Error(`${why}: ${what}\n${errors}${said().split('\n').slice(-25).join('\n')}`));
    const timer = setTimeout(fail, milliseconds, `No answer in ${milliseconds} ms`);
    const ended = () => fail('The guest ended');
    child.once('close', ended);
    if (child.exitCode !== null || child.signalCode !== null) ended();
    waiting.set(id, resolve);
    return promise.finally(() => {
      clearTimeout(timer);
      child.off('close', ended);
      waiting.delete(id);
    });
  }

  let count = 0;
  const decoded = (word = ':') => Buffer.from(word.slice(1), 'base64').toString();
  const guest: Guest = {
    async run(script, milliseconds = COMMAND_MS) {
      const id = String(++count);
      const reply = answer(id, script, milliseconds);
      child.stdin.write(`${id} ${Buffer.from(script).toString('base64')}\n`);
      const [status, stdout, stderr] = await reply;
      return { status: Number(status), stdout: decoded(stdout), stderr: decoded(stderr) };
    },
    async sh(script, milliseconds) {
      const { status, stdout, stderr } = await guest.run(`set -e\n${script}`, milliseconds);
      if (status !== 0) throw new Error(`Status ${status} of: ${script}\n${stdout}${stderr}`);
      return stdout.replace(/\n$/, '');
    },
    console: said,
    async stop() {
      child.kill('SIGKILL');
      await closed;
      image.remove();
    },
  };
  try {
    await answer('ready', 'boot', BOOT_MS);
    fs.rmSync(image.initramfs);
  } catch (error) {
    await guest.stop();
    throw error;
  }
  return guest;
}
