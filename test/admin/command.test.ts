import { describe, expect, it } from 'vitest';
import { type AdminCommand, formOf, readWords } from '../../src/admin/command.ts';
import { adminCommands } from '../../src/admin/commands/index.ts';
import { commandHelp, tableHelp } from '../../src/admin/help.ts';
import { ExitCode } from '../../src/shell/errors.ts';

const command: AdminCommand = {
  name: 'make',
  parameters: 'BOARD [NAME]',
  summary: 'Make something',
  options: [
    { name: 'key', value: 'FILE', required: true, summary: 'A key' },
    { name: 'mac', value: 'ADDRESS', many: true, summary: 'An address' },
    { name: 'verbose', letter: 'v', summary: 'More' },
  ],
  load: () => Promise.reject(new Error('not loaded')),
};

describe('readWords', () => {
  it('tells arguments and options apart', () => {
    const words = readWords(command, ['b1', '--key=-', '-v', '--mac', '1', 'x', '--mac', '2']);
    expect(words?.args).toEqual(['b1', 'x']);
    expect(words?.value('key')).toBe('-');
    expect(words?.values('mac')).toEqual(['1', '2']);
    expect(words?.has('verbose')).toBe(true);
    expect(words?.has('mac')).toBe(true);
    expect(words?.value('other')).toBeUndefined();
  });

  it.each([
    [['--key', 'k'], 'Something is missing'],
    [['a', 'b', 'c', '--key', 'k'], '"c" is too much'],
    [['a'], '--key is missing'],
    [['a', '--key', 'k', '--key', 'k'], '--key may be said once'],
    [['a', '--key'], "Option '--key <value>' argument missing"],
    [['a', '--key', 'k', '--verbose=1'], "Option '-v, --verbose' does not take an argument"],
    [['a', '--unknown'], "Unknown option '--unknown'"],
  ])('refuses %j', (argv, message) => {
    expect(() => readWords(command, argv)).toThrow(
      expect.objectContaining({
        message: `${message}; usage: novaboot-admin make BOARD [NAME] (see --help)`,
        exitCode: ExitCode.usage,
      }),
    );
  });

  it('takes values that begin with a dash, and arguments behind --', () => {
    const words = readWords(command, ['--key', '--uboot=(x)\n--y', '--', '-b']);
    expect(words?.value('key')).toBe('--uboot=(x)\n--y');
    expect(words?.args).toEqual(['-b']);
  });

  it('knows that help was asked for, whatever else is wrong', () => {
    expect(readWords(command, ['--help'])).toBeUndefined();
    expect(readWords(command, ['a', 'b', 'c', '-h'])).toBeUndefined();
  });

  it('tells the form', () => {
    expect(formOf(command)).toBe('BOARD [NAME] --key FILE [--mac ADDRESS]... [--verbose]');
  });
});

describe('the table', () => {
  it('has each command once, and can load it', async () => {
    expect(new Set(adminCommands.map(({ name }) => name)).size).toBe(adminCommands.length);
    for (const { name, load } of adminCommands) expect((await load()).run, name).toBeTypeOf('function');
  });

  it('has lines that fit a terminal', () => {
    const text =
      tableHelp(adminCommands) +
      adminCommands.map((each) => commandHelp(each).replace(/^Usage.*/, '')).join('');
    for (const line of text.split('\n')) expect(line.length, line).toBeLessThanOrEqual(100);
  });
});
