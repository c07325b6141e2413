import { describe, expect, it } from 'vitest';
import { CommandError } from '../../src/shell/errors.ts';
import { parseRequest, splitWords } from '../../src/shell/request.ts';

const request = (argv: string[], env = {}, parent = 100) => parseRequest(argv, env, parent);

describe('invocation forms', () => {
  it('takes the command of a key without a forced command from -c', () => {
    expect(request(['-c', 'rsync  --server . .'])).toEqual({
      user: undefined,
      admin: false,
      words: ['rsync', '--server', '.', '.'],
      wait: 'forever',
    });
  });

  it('takes the command of a forced command from SSH_ORIGINAL_COMMAND', () => {
    const env = { SSH_ORIGINAL_COMMAND: 'add-key bob' };
    expect(request(['-c', 'user alice admin'], env)).toMatchObject({
      user: 'alice',
      admin: true,
      words: ['add-key', 'bob'],
    });
    expect(request(['-c', 'user alice '], env)).toMatchObject({ user: 'alice', admin: false });
    expect(request(['-c', 'user alice boss'], env)).toMatchObject({ admin: false });
  });

  it('ignores SSH_ORIGINAL_COMMAND without a forced command', () => {
    expect(request(['-c', 'help'], { SSH_ORIGINAL_COMMAND: 'reset' })).toMatchObject({ words: ['help'] });
  });

  it('has no words for the default command', () => {
    expect(request([])).toMatchObject({ user: undefined, words: [] });
    expect(request(['-c', 'user bob'])).toMatchObject({ user: 'bob', words: [] });
  });

  it('knows a unit of the power-off chain by its parent, its only argument and the missing connection', () => {
    expect(request(['off'], {}, 1)).toEqual({ unit: 'off' });
    expect(() => request(['off'], {}, 2)).toThrow('Permission denied');
    expect(() => request(['off'], { SSH_CONNECTION: '::1 1 ::1 22' }, 1)).toThrow('Permission denied');
    expect(() => request(['off', 'x'], {}, 1)).toThrow('Permission denied');
    expect(() => request(['reset'], {}, 1)).toThrow('Permission denied');
    expect(request(['-c', 'off'], {}, 1)).toMatchObject({ words: ['off'] });
  });

  it.each([[['help']], [['-c', 'help', 'more']], [['-x', 'help']], [['--waiting', '-c', 'help']]])(
    'refuses other arguments %j',
    (argv) => expect(() => request(argv)).toThrow('Permission denied'),
  );

  it.each(['../../x', '-x', '.x', 'a/b', 'a b'.replace(' ', '\u00a0'), 'x'.repeat(65), 'ä', '$(id)', ''])(
    'refuses the user name %j',
    (name) => expect(() => request(['-c', `user ${name}`])).toThrow(CommandError),
  );
});

describe('options before and behind the command', () => {
  it('reads --no-wait and --wait', () => {
    expect(request(['-c', '--no-wait reset'])).toMatchObject({ wait: 0, words: ['reset'] });
    expect(request(['-c', '--wait 2.5 reset'])).toMatchObject({ wait: 2.5, words: ['reset'] });
    expect(request(['-c', '--wait=10'])).toMatchObject({ wait: 10, words: [] });
    expect(request(['-c', 'reset --no-wait'])).toMatchObject({ wait: 0, words: ['reset'] });
    expect(request(['-c', 'add-key --wait 3 bob'])).toMatchObject({ wait: 3, words: ['add-key', 'bob'] });
    expect(request(['-c', 'rsync --no-wait --server . .'])).toMatchObject({
      wait: 0,
      words: ['rsync', '--server', '.', '.'],
    });
  });

  it.each([
    '--wait',
    '--wait x',
    '--wait -1 reset',
    '--wait 1e3 reset',
    '--wait 604801 reset',
    '--wait= reset',
  ])('refuses %j', (command) => expect(() => request(['-c', command])).toThrow('Usage: --wait SECONDS'));
});

describe('words', () => {
  it.each(['a\0b', 'a\nb', 'a\rb', 'a\x1b[2Jb', 'a\x7fb', 'a\x9bb', 'a\ufffdb'])(
    'refuses control bytes in %j',
    (text) => expect(() => splitWords(text)).toThrow('control characters'),
  );

  it('refuses more than 32 KiB, in bytes', () => {
    expect(splitWords('x'.repeat(32 * 1024))).toHaveLength(1);
    expect(() => splitWords('x'.repeat(32 * 1024 + 1))).toThrow('longer than');
    expect(() => splitWords('ä'.repeat(16 * 1024 + 1))).toThrow('longer than');
  });
});
