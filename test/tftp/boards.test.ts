import { describe, expect, it } from 'vitest';
import { Boards } from '../../src/tftp/boards.ts';

const board = (name: string, more: object = {}) => ({
  ...{ name, addresses: [], prefixes: [], tree: `/srv/${name}`, isPublic: false },
  ...more,
});
const boards = new Boards(
  [
    board('rpi4', {
      addresses: ['192.168.1.20', 'fd00::20'],
      prefixes: ['9a8b7c6d', 'dc-a6-32-01-02-03'],
    }),
    board('other', { addresses: ['192.168.1.30'], prefixes: ['0000abcd', 'dc-a6-32-01-02-99'] }),
    board('open', { isPublic: true }),
    board('away', { addresses: ['192.168.1.40'], tree: undefined }),
  ],
  '/srv/public',
);
const OWN = '192.168.1.20';
const STRANGER = '192.168.1.99';

/** `TREE:PATH` of each place. */
const places = (address: string, path: string) =>
  boards.candidates(address, path.split('/')).map(({ tree, path }) => `${tree}:${path.join('/')}`);

describe('a known address', () => {
  it.each([OWN, 'fd00::20', 'fd00:0:0::20', `::ffff:${OWN}`])('has its own tree as /: %s', (address) => {
    expect(places(address, 'boot/Image')).toEqual(['/srv/rpi4:boot/Image', '/srv/public:boot/Image']);
  });

  it.each(['rpi4', '9a8b7c6d', '9A8B7C6D', 'dc-a6-32-01-02-03', '01-DC-A6-32-01-02-03'])(
    'may put its own name in front: %s',
    (prefix) => {
      expect(places(OWN, `${prefix}/Image`)).toEqual([
        `/srv/rpi4:${prefix}/Image`,
        '/srv/rpi4:Image',
        `/srv/public:${prefix}/Image`,
      ]);
    },
  );

  it.each(['other/x', '0000abcd/x', 'dc-a6-32-01-02-99/x', 'pxelinux.cfg/01-dc-a6-32-01-02-99', 'x/other'])(
    'does not see the tree of another board: %s',
    (path) => {
      expect(places(OWN, path)).toEqual([`/srv/rpi4:${path}`, `/srv/public:${path}`]);
    },
  );

  it('sees the tree of a public board by its name', () => {
    expect(places(OWN, 'open/x')).toEqual([
      '/srv/rpi4:open/x',
      '/srv/open:open/x',
      '/srv/open:x',
      '/srv/public:open/x',
    ]);
  });

  it('sees what is public while its own tree is away', () => {
    expect(places('192.168.1.40', 'x')).toEqual(['/srv/public:x']);
  });
});

describe('an unknown address', () => {
  it.each(['Image', 'rpi4/Image', 'other/x', 'x/rpi4', 'x/9a8b7c6d', 'x/dc-a6-32-01-02-03', 'away/x', ''])(
    'sees only what is public: %j',
    (path) => expect(places(STRANGER, path)).toEqual([`/srv/public:${path}`]),
  );

  it.each(['9a8b7c6d', 'dc-a6-32-01-02-03', '01-dc-a6-32-01-02-03'])(
    'has the tree of the board that it names by %s',
    (prefix) => {
      expect(places(STRANGER, `${prefix}/start4.elf`)).toEqual([
        `/srv/rpi4:${prefix}/start4.elf`,
        '/srv/rpi4:start4.elf',
        `/srv/public:${prefix}/start4.elf`,
      ]);
    },
  );

  it('has its PXELINUX configuration', () => {
    expect(places(STRANGER, 'pxelinux.cfg/01-dc-a6-32-01-02-03')).toEqual([
      '/srv/rpi4:pxelinux.cfg/01-dc-a6-32-01-02-03',
      '/srv/public:pxelinux.cfg/01-dc-a6-32-01-02-03',
    ]);
  });

  it('has the tree of a public board', () => {
    expect(places(STRANGER, 'open/x')).toEqual(['/srv/open:open/x', '/srv/open:x', '/srv/public:open/x']);
  });

  it('sees nothing where nothing is public', () => {
    expect(new Boards([board('rpi4')], undefined).candidates(STRANGER, ['x'])).toEqual([]);
  });
});
