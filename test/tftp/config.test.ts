import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseConfig, readConfig } from '../../src/tftp/config.ts';
import { ConfigError } from '../../src/tftp/config-error.ts';

const textOf = (...lines: string[]) => ({ file: '/etc/c', content: lines.join('\n') });
const parse = (...lines: string[]) => parseConfig([textOf(...lines)]);

function allProblems(texts: Parameters<typeof parseConfig>[0]): readonly string[] {
  try {
    parseConfig(texts);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

const problems = (...lines: string[]) => allProblems([textOf(...lines)]);

describe('a configuration', () => {
  it('may be empty', () => {
    expect(parse('')).toEqual({
      directory: '/srv/tftp',
      public: '/srv/tftp/public',
      boards: [],
      problems: [],
    });
  });

  it('has boards, with defaults', () => {
    const config = parse(
      '; the lab',
      'directory=/srv/lab/',
      'public = common/files # for all',
      '[board rpi4]',
      'address=192.168.1.20 , 192.168.1.21',
      'address=fd00::1',
      'serial=9A8B7C6D',
      'serial=100000000000abcd',
      'mac=DC:A6:32:01:02:03',
      'mac=dc-a6-32-01-02-04',
      '',
      '  [board x.y-z_1]   ; dots',
      '  tree="/home/a b;c/tftproot"',
      '  public=yes\r',
    );
    expect(config).toEqual({
      directory: '/srv/lab',
      public: '/srv/lab/common/files',
      problems: [],
      boards: [
        {
          name: 'rpi4',
          addresses: ['192.168.1.20', '192.168.1.21', 'fd00::1'],
          prefixes: ['9a8b7c6d', '0000abcd', 'dc-a6-32-01-02-03', 'dc-a6-32-01-02-04'],
          tree: '/srv/lab/rpi4',
          isPublic: false,
          file: '/etc/c',
        },
        {
          ...{ name: 'x.y-z_1', addresses: [], prefixes: [], tree: '/home/a b;c/tftproot' },
          isPublic: true,
          file: '/etc/c',
        },
      ],
    });
  });

  it('says where journals are, or the service manager does', () => {
    const journal = (text: string, state?: string) => parseConfig([textOf(text)], state).journal;
    expect(journal('')).toBeUndefined();
    expect(journal('', '/var/lib/x')).toBe('/var/lib/x');
    expect(journal('journal=/srv/j/', '/var/lib/x')).toBe('/srv/j');
    expect(journal('journal=', '/var/lib/x')).toBeUndefined();
    for (const value of ['j', '//j', '/srv/../j']) {
      expect(problems(`journal=${value}`)).toEqual([
        '/etc/c:1: journal: expected an absolute path without .., or nothing',
      ]);
    }
  });

  it('may have nothing that is public', () => {
    expect(parse('public=').public).toBeUndefined();
  });

  it.each<[string[], string | RegExp]>([
    [['directory=srv'], '/etc/c:1: directory: expected an absolute path without ..'],
    [['directory=/srv/../etc'], '/etc/c:1: directory: expected an absolute path without ..'],
    [['', 'public=/etc'], '/etc/c:2: public: expected a path beneath the directory, or nothing'],
    [['public=a/../..'], '/etc/c:1: public: expected a path beneath the directory, or nothing'],
    [['directory=/a', 'directory=/b'], '/etc/c:2: directory: expected once'],
    [['adress=1.2.3.4'], '/etc/c:1: adress: unknown setting, known are directory, public, journal'],
    [['__proto__=x'], '/etc/c:1: __proto__=x: expected KEY=VALUE'],
    [['constructor=x'], '/etc/c:1: constructor: unknown setting, known are directory, public, journal'],
    [['hello'], '/etc/c:1: hello: expected KEY=VALUE'],
    [['tree[]=x'], '/etc/c:1: tree[]=x: expected KEY=VALUE'],
    [['directory=/a#b'], '/etc/c:1: directory=/a#b: expected double quotes around a value with ; or #'],
    [['directory=/a;b'], '/etc/c:1: directory=/a;b: expected double quotes around a value with ; or #'],
    [
      ['[board a]\raddress=10.0.0.1\r'],
      '/etc/c:1: [board a]?address=10.0.0.1: expected no control character',
    ],
    [['public=a\0b'], '/etc/c:1: public=a?b: expected no control character'],
    [['[board]'], '/etc/c:1: [board]: expected [board NAME]'],
    [['[bord x]'], '/etc/c:1: [bord x]: expected [board NAME]'],
    [['[board ../x]'], '/etc/c:1: [board ../x]: expected [board NAME]'],
    [['[board .x]'], '/etc/c:1: [board .x]: expected [board NAME]'],
    [['[board x]', 'tree=y'], '/etc/c:2: tree: expected an absolute path without ..'],
    [['[board x]', 'public=true'], '/etc/c:2: public: expected yes or no'],
    [['[board x]', 'serial=9a8b'], /^\/etc\/c:2: serial: expected the 8 or 16 hexadecimal digits/],
    [['[board x]', 'mac=dc:a6:32:01:02-03'], /^\/etc\/c:2: mac: expected a hardware address/],
    [['[board x]', 'directory=/srv'], /^\/etc\/c:2: directory: unknown setting, known are address, serial/],
    ...['1.2.3', '1.2.3.4/24', '10.0.0.256', 'board.lab', 'fe80::1%eth0', '', '0x7f.1', '1'].map(
      (address): [string[], RegExp] => [
        ['[board x]', '', `address=${address}`],
        /^\/etc\/c:3: address: expected an IPv4 or IPv6/,
      ],
    ),
  ])('is refused: %j', (lines, problem) => {
    expect(problems(...lines)).toEqual([
      typeof problem === 'string' ? problem : expect.stringMatching(problem),
    ]);
  });

  it('names the one of several lines that is wrong, and all that is wrong', () => {
    const found = problems('[board x]', 'address=1.2.3.4', 'address=x', 'serial=1', '[board y]', 'tree=z');
    expect(found.map((problem) => problem.split(': ', 2).join(': '))).toEqual([
      '/etc/c:3: address',
      '/etc/c:4: serial',
      '/etc/c:6: tree',
    ]);
  });

  it.each([
    ['address=10.0.0.1', 'address=10.0.0.1', '10.0.0.1'],
    ['address=10.0.0.1', 'address=::ffff:10.0.0.1', '::ffff:10.0.0.1'],
    ['address=fd00:0::1', 'address=fd00::1', 'fd00::1'],
    ['serial=9a8b7c6d', 'serial=000000009A8B7C6D', '9a8b7c6d'],
    ['mac=dc:a6:32:01:02:03', 'mac=DC-A6-32-01-02-03', 'dc-a6-32-01-02-03'],
  ])('has each claim once: %j and %j', (one, other, shown) => {
    const key = other.replace(/=.*/, '');
    expect(problems('[board a]', one, '[board b]', '', other)).toEqual([
      `/etc/c:5: ${key}: expected something else than ${shown}, which board a has`,
    ]);
  });

  it('has each board once, and no name that is the serial number of another one', () => {
    expect(problems('[board a]', '[board a]')).toEqual([
      '/etc/c:2: [board a]: expected something else than a, which board a has',
    ]);
    expect(problems('[board 9a8b7c6d]', '[board b]', 'serial=9a8b7c6d')).toHaveLength(1);
  });

  it.each([
    [
      ['[board public]'],
      '/etc/c:1: [board public]: expected a tree that is not in /srv/tftp/public, which is public',
    ],
    [
      ['public=.', '[board a]'],
      '/etc/c:2: [board a]: expected a tree that is not in /srv/tftp, which is public',
    ],
    [
      ['[board a]', 'tree=/srv/tftp/', '[board b]'],
      '/etc/c:1: [board a]: expected a tree that does not hold that of board b',
    ],
    [
      ['[board a]', '[board b]', 'tree=/'],
      '/etc/c:2: [board b]: expected a tree that does not hold that of board a',
    ],
  ])('shows no tree of a board to others by mistake: %j', (lines, problem) => {
    expect(problems(...lines)).toEqual([problem]);
  });

  it('may say that others see it', () => {
    expect(problems('[board public]', 'public=yes')).toEqual([]);
    expect(problems('[board a]', '[board b]', 'tree=/srv/tftp/a')).toEqual([]);
    expect(problems('[board a]', '[board ab]')).toEqual([]);
    expect(problems('[board a]', 'tree=/srv/tftp', '[board b]', 'public=yes')).toEqual([]);
  });

  it('may be in several files, of which the first has what counts for all', () => {
    const other = (file: string, ...lines: string[]) => ({ file, content: lines.join('\n') });
    const config = parseConfig([
      textOf('directory=/srv/lab', '[board a]'),
      other('/etc/c.d/b.conf', '[board b]', 'address=10.0.0.1'),
    ]);
    expect(config.boards).toMatchObject([
      { name: 'a', tree: '/srv/lab/a', file: '/etc/c' },
      { name: 'b', tree: '/srv/lab/b', file: '/etc/c.d/b.conf', addresses: ['10.0.0.1'] },
    ]);
    expect(
      allProblems([
        textOf('[board a]', 'address=10.0.0.1', 'address=10.0.0.1'),
        other('/etc/c.d/b.conf', 'public=', '[board b]', 'address=10.0.0.1'),
        other('/etc/c.d/c.conf', '[board a]', '[board c]', 'tree=/srv/tftp'),
      ]),
    ).toEqual([
      '/etc/c.d/b.conf:1: public: expected [board NAME] above it',
      '/etc/c:3: address: expected something else than 10.0.0.1, which board a has',
      '/etc/c.d/c.conf:1: [board a]: expected something else than a, which board a has (/etc/c:1)',
      '/etc/c.d/c.conf:2: [board c]: expected a tree that does not hold that of board a',
    ]);
  });

  it('is read from its file and the directory beside it', () => {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'tftp-config-'));
    try {
      const file = path.join(directory, 'c');
      fs.writeFileSync(file, '[board a]');
      expect(readConfig(file).boards.map(({ name }) => name)).toEqual(['a']);
      const others = fs.mkdirSync(`${file}.d`, { recursive: true }) ?? '';
      for (const name of ['z.conf', 'b.conf', '.hidden.conf', 'y.conf.new']) {
        fs.writeFileSync(path.join(others, name), `[board ${name[0]}]`);
      }
      expect(readConfig(file).boards.map(({ name }) => name)).toEqual(['a', 'b', 'z']);
      fs.mkdirSync(path.join(others, 'd.conf'));
      fs.symlinkSync('gone', path.join(others, 'e.conf'));
      const config = readConfig(file);
      expect(config.boards.map(({ name }) => name)).toEqual(['a', 'b', 'z']);
      expect(config.problems).toEqual([
        `${others}/d.conf: cannot be read: EISDIR`,
        `${others}/e.conf: cannot be read: ENOENT`,
      ]);
    } finally {
      fs.rmSync(directory, { recursive: true });
    }
  });

  it('says that it cannot be read', () => {
    expect(() => readConfig('/nonexistent/c')).toThrow('/nonexistent/c: cannot be read: ENOENT');
    expect(() => readConfig('/etc')).toThrow('/etc: cannot be read: EISDIR');
  });

  it('tells the first problem and how many there are in one line', () => {
    expect(() => parse('a=1', 'b=2', 'c=3')).toThrow(
      /^\/etc\/c:1: a: unknown .* \(and 2 more, see --check\)$/,
    );
  });
});

describe('files of boards', () => {
  const files = (main: string, boards: Record<string, string>) =>
    parseConfig([
      textOf(main),
      ...Object.entries(boards).map(([name, content]) => ({ file: `/etc/c.d/${name}.conf`, content })),
    ]);
  const known = ({ boards }: ReturnType<typeof files>) =>
    boards.map(({ name, addresses, prefixes }) => [name, ...addresses, ...prefixes].join(' '));

  it.each(['adress=10.0.0.2', 'address=10.0.0', 'tree=x', '[bord x]\naddress=10.0.0.3', 'hello', '\0'])(
    'that are wrong cost their own boards only: %j',
    (line) => {
      const config = files('[board a]\naddress=10.0.0.1', {
        b: `[board b0]\naddress=10.0.0.9\n[board b]\n${line}`,
        c: '[board c]\nserial=9a8b7c6d',
      });
      expect(known(config)).toEqual(['a 10.0.0.1', 'c 9a8b7c6d']);
      expect(config.problems).toEqual([expect.stringMatching(/^\/etc\/c\.d\/b\.conf:4: /)]);
    },
  );

  it('that set what counts for all boards are left out', () => {
    const config = files('', { b: 'tree=/x\n[board b]' });
    expect(config).toMatchObject({
      boards: [],
      problems: ['/etc/c.d/b.conf:1: tree: expected [board NAME] above it'],
    });
  });

  it('that claim the same have it neither, whichever of them it is', () => {
    const config = files('[board a]\naddress=10.0.0.1\nserial=9a8b7c6d', {
      b: '[board b]\naddress=::ffff:10.0.0.1 10.0.0.2\nmac=dc:a6:32:01:02:03',
      c: '[board c]\nmac=DC-A6-32-01-02-03',
      d: '[board 9a8b7c6d]\naddress=10.0.0.4',
    });
    expect(known(config)).toEqual(['a', 'b 10.0.0.2', 'c']);
    expect(config.problems).toEqual([
      '/etc/c.d/b.conf:2: address: expected something else than ::ffff:10.0.0.1, which board a has (/etc/c:2)',
      '/etc/c.d/c.conf:2: mac: expected something else than dc-a6-32-01-02-03, which board b has (/etc/c.d/b.conf:3)',
      '/etc/c.d/d.conf:1: [board 9a8b7c6d]: expected something else than 9a8b7c6d, which board a has (/etc/c:3)',
    ]);
  });

  it('that say the same twice keep it', () => {
    const config = files('', { a: '[board a]\naddress=10.0.0.1\naddress=::ffff:10.0.0.1' });
    expect(known(config)).toEqual(['a 10.0.0.1 ::ffff:10.0.0.1']);
    expect(config.problems).toHaveLength(1);
  });

  it('that have the same name are left out, both', () => {
    const config = files('', {
      a: '[board a]\naddress=10.0.0.1',
      b: '[board a]\naddress=10.0.0.2',
      c: '[board c]',
    });
    expect(known(config)).toEqual(['c']);
    expect(config.problems).toHaveLength(1);
  });

  it('do not make others see a tree: what would show it is not served', () => {
    const holder = files('[board all]\ntree=/srv/tftp', { a: '[board a]', b: '[board b]' });
    expect(known(holder)).toEqual(['a', 'b']);
    expect(holder.problems).toEqual([
      '/etc/c:1: [board all]: expected a tree that does not hold that of board a',
    ]);
    const wrong = files('[board all]\ntree=/srv/x', { a: '[board a]\ntree=/srv/x/a\nnonsense=1' });
    expect(known(wrong)).toEqual([]);
    expect(wrong.problems).toHaveLength(2);
    const everything = files('public=.', { a: '[board a]', b: '[board b]\npublic=yes' });
    expect(everything.public).toBeUndefined();
    expect(known(everything)).toEqual(['a', 'b']);
    expect(everything.problems).toEqual([
      '/etc/c.d/a.conf:1: [board a]: expected a tree that is not in /srv/tftp, which is public',
    ]);
  });
});
