import { describe, expect, it } from 'vitest';
import { commandEnvironment, withHiddenLocale } from '../../src/shell/environment.ts';

describe('the environment of configured commands', () => {
  it('keeps what sshd says and discards what could steer a program', () => {
    const env = {
      ...{
        HOME: '/home/board',
        SSH_CONNECTION: '::1 1 ::1 22',
        NOVABOOT_LOCALE_LANG: 'cs_CZ.UTF-8',
        NOVABOOT_LOCALE_LC_TIME: 'C',
        LC_ALL: 'C.UTF-8',
        TERM: 'xterm-256color',
      },
      ...{
        NOVABOOT_ID: 'root now here',
        NOVABOOT_PPID: '1',
        NB_USER: 'root',
        NB_ADMIN: '1',
        PATH: '/tmp/evil',
      },
      ...{
        ENV: '/tmp/evil',
        BASH_ENV: '/tmp/evil',
        LD_PRELOAD: 'evil.so',
        NODE_OPTIONS: '-r evil',
        IFS: 'x',
      },
      ...{ SSH_ORIGINAL_COMMAND: 'reset', PS4: '$(id)', 'BASH_FUNC_echo%%': '() { id; }' },
    };
    expect(commandEnvironment(env, 'bob', 77)).toEqual({
      ...{
        HOME: '/home/board',
        SSH_CONNECTION: '::1 1 ::1 22',
        LANG: 'cs_CZ.UTF-8',
        LC_TIME: 'C',
        TERM: 'xterm-256color',
      },
      ...{
        NB_USER: 'bob',
        NOVABOOT_PPID: '77',
        PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      },
    });
  });

  it('discards locales and terminals that are no names', () => {
    const env = {
      NOVABOOT_LOCALE_LANG: '/tmp/x',
      NOVABOOT_LOCALE_LC_ALL: '$(id)',
      NOVABOOT_LOCALE_PATH: '/tmp/x',
      TERM: '../../x',
    };
    expect(commandEnvironment(env, undefined, 1)).toEqual(commandEnvironment({}, undefined, 1));
  });

  it('survives the way through a waiting process', () => {
    const env = commandEnvironment({ NOVABOOT_LOCALE_LC_ALL: 'C', HOME: '/h' }, 'bob', 1);
    expect(withHiddenLocale(env)).not.toHaveProperty('LC_ALL');
    expect(commandEnvironment(withHiddenLocale(env), 'bob', 1)).toEqual(env);
  });
});
