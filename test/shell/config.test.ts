import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { configPath, parsePlain, readConfig } from '../../src/shell/config.ts';

let home: string;
beforeEach(() => {
  home = fs.mkdtempSync(path.join(os.tmpdir(), 'novaboot-config-'));
});
afterEach(() => fs.rmSync(home, { recursive: true }));

describe('plain assignments', () => {
  it('reads quotes, continuations, comments and several lines', () => {
    const text = `# a board
console_cmd="sterm -s 115200 /dev/ttyUSB0"   # comment
reset_cmd='usbrelay A=1; sleep 1'
on_cmd=/usr/bin/on
target_config="\\
--uboot=(uboot)
--uboot-init=setenv ipaddr 1.2.3.4; saveenv
"
`;
    expect(Object.fromEntries(parsePlain(text) ?? [])).toEqual({
      console_cmd: 'sterm -s 115200 /dev/ttyUSB0',
      reset_cmd: 'usbrelay A=1; sleep 1',
      on_cmd: '/usr/bin/on',
      target_config: '--uboot=(uboot)\n--uboot-init=setenv ipaddr 1.2.3.4; saveenv\n',
    });
  });

  it.each([
    ...[
      'a=$b',
      'a="$b"',
      'a=`b`',
      'a="`b`"',
      'a="\\""',
      'a=b c',
      'f() { :; }',
      '. x',
      'a=~',
      'a="x',
      "a='x",
      'export a=b',
    ],
    ...['a=b;c=d', 'a="b"c', 'if true; then a=b; fi', 'a=b\r\n', 'a=(b)', 'a=*', 'a="b\\c"', '1a=b', 'a =b'],
  ])('leaves %j to a shell', (text) => expect(parsePlain(text)).toBeUndefined());

  it('takes a long value in linear time', () => {
    const text = `a="${'x\\\n'.repeat(200_000)}"`;
    expect(parsePlain(text)?.get('a')).toHaveLength(200_000);
  });
});

describe('which file', () => {
  it('is in the home directory unless a trusted one is named', () => {
    const named = path.join(home, 'named');
    fs.writeFileSync(named, '');
    expect(configPath({}, home)).toBe(path.join(home, '.novaboot-shell'));
    expect(configPath({ NOVABOOT_SHELL_CONFIG: named }, home)).toBe(named);
    expect(configPath({ NOVABOOT_SHELL_CONFIG: '/dev/null' }, home)).toBe('/dev/null');
  });

  it.each(['tftproot', 'nfsroot', '.ssh', '.local', '.cache'])(
    'is not one in %s, which others write to',
    (name) => {
      const file = path.join(home, name, 'uploaded');
      fs.mkdirSync(path.dirname(file));
      fs.writeFileSync(file, 'reset_cmd=evil');
      const link = path.join(home, 'link');
      fs.symlinkSync(file, link);
      for (const NOVABOOT_SHELL_CONFIG of [file, link]) {
        expect(configPath({ NOVABOOT_SHELL_CONFIG }, home)).toBe(path.join(home, '.novaboot-shell'));
      }
    },
  );

  it('is not one of another user', () => {
    const [uid, other] = [process.getuid?.() ?? 0, 12345];
    const file = uid === 0 ? path.join(home, 'other') : '/proc/1/nothing';
    if (uid === 0) {
      fs.writeFileSync(file, '');
      fs.chownSync(file, other, other);
    }
    expect(configPath({ NOVABOOT_SHELL_CONFIG: file }, home)).toBe(path.join(home, '.novaboot-shell'));
  });

  it('is named when it cannot be read', () => {
    expect(() => readConfig(path.join(home, 'none'))).toThrow(/none: no such file/);
    expect(() => readConfig(home)).toThrow(`${home}: is a directory`);
  });
});
