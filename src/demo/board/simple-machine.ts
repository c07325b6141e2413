/** A program that behaves like a small boot loader on a serial line: the demo's board where QEMU or U-Boot is missing. */
import { Writable } from 'node:stream';
import type { Machine, MachineKind } from './machine.ts';

const PROMPT = '(uboot) ';
const MAX_LINE = 256;
const AUTOBOOT_SECONDS = 2;
const MAX_VARIABLES = 100;

/** Milliseconds before a line, and the line. */
const BOOT_MESSAGES: readonly (readonly [number, string])[] = [
  [250, '\r\n\r\nnovaboot demo board (a program, not a real U-Boot)\r\n\r\n'],
  [60, 'CPU:   1 imaginary core\r\n'],
  [60, 'DRAM:  64 MiB\r\n'],
  [120, 'Net:   eth0\r\n'],
  [60, `Hit any key to stop autoboot:  ${AUTOBOOT_SECONDS} `],
  ...Array.from(
    { length: AUTOBOOT_SECONDS },
    (_, second) => [1000, `\b\b\b ${AUTOBOOT_SECONDS - 1 - second} `] as const,
  ),
  [1, '\r\nThere is nothing to boot.\r\n'],
];

const HELP = [
  'echo TEXT        print TEXT',
  'help             this list',
  'poweroff         switch the board off',
  'printenv         print all variables',
  'reset            start again',
  'setenv NAME TEXT set a variable',
  'version          what this is',
].join('\r\n');

class BootLoader {
  readonly #print: (text: string) => void;
  readonly #environment = new Map<string, string>([['bootdelay', String(AUTOBOOT_SECONDS)]]);
  #power = false;
  #booting = false;
  #timer: NodeJS.Timeout | undefined;
  #line = '';
  #afterReturn = false;

  constructor(print: (text: string) => void) {
    this.#print = print;
  }

  on(): void {
    if (!this.#power) this.reset();
  }

  off(): void {
    clearTimeout(this.#timer);
    this.#power = false;
  }

  reset(): void {
    this.#power = true;
    this.#booting = true;
    this.#line = '';
    this.#boot(0);
  }

  /** What is typed; bytes as latin1. */
  type(text: string): void {
    for (const char of text) {
      if (this.#power) this.#key(char);
    }
  }

  #boot(step: number): void {
    clearTimeout(this.#timer);
    const [delayMs, text] = BOOT_MESSAGES[step] ?? [];
    if (text === undefined) {
      this.#ready();
      return;
    }
    this.#timer = setTimeout(() => {
      this.#print(text);
      this.#boot(step + 1);
    }, delayMs);
  }

  #ready(): void {
    clearTimeout(this.#timer);
    this.#booting = false;
    this.#print(`\r\n${PROMPT}`);
  }

  #key(char: string): void {
    if (this.#booting) {
      this.#ready();
      return;
    }
    const secondOfTwo = char === '\n' && this.#afterReturn;
    this.#afterReturn = char === '\r';
    if (char === '\r' || char === '\n') {
      if (!secondOfTwo) this.#enter();
    } else if (char === '\b' || char === '\x7f') {
      if (this.#line === '') return;
      this.#line = this.#line.slice(0, -1);
      this.#print('\b \b');
    } else if (char === '\x03') {
      this.#line = '';
      this.#print(`<INTERRUPT>\r\n${PROMPT}`);
    } else if (char >= ' ' && this.#line.length < MAX_LINE) {
      this.#line += char;
      this.#print(char);
    }
  }

  #enter(): void {
    const [command = '', ...words] = this.#line.trim().split(/ +/);
    this.#line = '';
    this.#print('\r\n');
    if (command === 'reset') {
      this.reset();
    } else if (command === 'poweroff') {
      this.off();
    } else {
      const answer = this.#answer(command, words);
      this.#print(answer === '' ? PROMPT : `${answer}\r\n${PROMPT}`);
    }
  }

  #answer(command: string, words: readonly string[]): string {
    const [name, ...value] = words;
    switch (command) {
      case '':
        return '';
      case 'echo':
        return words.join(' ');
      case 'help':
        return HELP;
      case 'printenv':
        return [...this.#environment].map(([key, text]) => `${key}=${text}`).join('\r\n');
      case 'setenv':
        if (name === undefined) return 'usage: setenv NAME TEXT';
        if (value.length === 0) this.#environment.delete(name);
        else if (this.#environment.size < MAX_VARIABLES) this.#environment.set(name, value.join(' '));
        return '';
      case 'version':
        return 'novaboot demo board';
      default:
        return `Unknown command '${command}' - try 'help'`;
    }
  }
}

export const simpleMachine: MachineKind = {
  make(print): Machine {
    const loader = new BootLoader((text) => print(Buffer.from(text, 'latin1')));
    const input = new Writable({
      write(bytes: Buffer, _encoding, done) {
        loader.type(bytes.toString('latin1'));
        done();
      },
    });
    return {
      input,
      on: async () => loader.on(),
      off: async () => loader.off(),
      reset: async () => loader.reset(),
    };
  },
  targetConfig: [
    '--uboot=(uboot)',
    '--uboot-init=setenv serverip 10.0.2.2',
    '--uboot-addr=kernel=0x40000000',
    '--uboot-addr=ramdisk=0x44000000',
  ],
};
