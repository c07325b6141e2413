import { describe, expect, it } from 'vitest';
import { checkBoard, checkBoardName, checkUserName } from '../../src/admin/check-desired.ts';
import type { DesiredBoard } from '../../src/admin/desired.ts';

describe('names', () => {
  it.each(['b', 'rpi4', '_x', 'a-b_c', 'a'.repeat(31)])('a board may be %s', (name) => {
    expect(() => checkBoardName(name)).not.toThrow();
  });

  it.each([
    '',
    '-b',
    '1b',
    'B',
    'b.c',
    'b c',
    'b/..',
    '../b',
    'b\n',
    'bé',
    'a'.repeat(32),
    'public',
    'novaboot',
    '\x1b[2J',
  ])('a board may not be %j', (name) => {
    // Control characters do not come back.
    expect(() => checkBoardName(name)).toThrow(
      expect.objectContaining({ message: expect.stringMatching(/^[^\0-\x1f]+$/) }),
    );
  });

  it.each(['', '-a', '.a', 'a b', 'a"', 'a\n', 'a'.repeat(65)])('a user may not be %j', (name) => {
    expect(() => checkUserName(name)).toThrow(/cannot be a user's name/);
  });
});

describe('checkBoard', () => {
  const name = 'b';
  it.each<[Omit<DesiredBoard, 'name'>, RegExp]>([
    [{ account: { home: 'home/b' } }, /cannot be a home/],
    [{ account: { home: '/' } }, /cannot be a home/],
    [{ account: { home: '/home/b/' } }, /cannot be a home/],
    [{ account: { home: '/home/../b' } }, /without \. and \.\./],
    [{ account: { home: '/home/b:x' } }, /cannot be a home/],
    [{ account: { home: '/home/b\nroot' } }, /cannot be a home/],
    [{ account: { uid: 0 } }, /cannot be a uid/],
    [{ account: { uid: 2 ** 32 - 1 } }, /cannot be a uid/],
    [{ account: { gecos: 'a:b' } }, /description/],
    [{ config: { console: 'ttyUSB0' } }, /console: ttyUSB0 is not a console/],
    [{ config: { power: 'relay:1' } }, /power=: "relay" is no kind of switch/],
    [{ config: { console_log: 'true' } }, /console_log: expected yes or no/],
    [{ config: { reset_delay: '601' } }, /reset_delay: expected a number of seconds, at most 600/],
    [{ config: { tftp_journal: 'journal' } }, /tftp_journal: expected an absolute path/],
    [{ config: { reset_delay: '601' } }, /at most 600/],
    [{ config: { target_config: 'a\0b' } }, /NUL/],
    [{ config: { target_config: '--uboot\nprefix=/x' } }, /^target_config: expected options of .* --$/],
    [{ nfs: { allowed_clients: '' } }, /allowed_clients/],
    [{ nfs: { allowed_clients: '10.0.0.0/99' } }, /allowed_clients: expected an address/],
    [{ nfs: { allowed_clients: '10.0.0.7\nsecure=no' } }, /plain characters/],
    [{ nfs: { allowed_clients: '10.0.0.7', quota: 'much' } }, /quota/],
    [{ users: [{ name: 'a b', admin: false, keys: [] }] }, /cannot be a user's name/],
  ])('refuses %j', async (wrong, message) => {
    await expect(checkBoard({ name, ...wrong })).rejects.toThrow(message);
  });

  it('takes what is right', async () => {
    await checkBoard({
      name,
      account: { home: '/srv/boards/b-1', uid: 1234, gecos: 'Board, desk 3' },
      config: { console: 'serial:/dev/ttyUSB0,115200n8', power: 'usbrelay:LY03X_1', reset_delay: '2.5' },
      nfs: { allowed_clients: '10.0.0.7 ::1', secure: 'yes' },
    });
  });
});
