import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Boards } from '../../src/tftp/boards.ts';
import { TftpError } from '../../src/tftp/errors.ts';
import { parsePath } from '../../src/tftp/request-path.ts';

const NAMES = ['a', 'b', 'c', 'd'];
const hardware = (name: string) => [`${name}`.repeat(8), `dc-a6-32-01-02-0${name}`];
const words = [
  ...NAMES,
  ...NAMES.flatMap(hardware),
  ...NAMES.map((name) => `01-DC-A6-32-01-02-0${name}`),
  ...['Image', 'pxelinux.cfg', 'A', '01-', 'public'],
];
const paths = fc.array(fc.constantFrom(...words), { maxLength: 4 });
const tables = fc.tuple(...NAMES.map(() => fc.record({ isPublic: fc.boolean(), isThere: fc.boolean() })));
const clients = fc.constantFrom(...NAMES, 'nobody');
const addressOf = (name: string) => `10.0.0.${name.charCodeAt(0)}`;

test('a client sees its own tree, public ones, and without an address those whose hardware it names', () => {
  fc.assert(
    fc.property(tables, clients, paths, fc.boolean(), (table, client, path, hasPublic) => {
      const boards = table.map(({ isPublic, isThere }, index) => {
        const name = NAMES[index] ?? '';
        const tree = isThere ? `/srv/${name}` : undefined;
        return { name, tree, isPublic, addresses: [addressOf(name)], prefixes: hardware(name) };
      });
      const served = new Boards(boards, hasPublic ? '/srv/public' : undefined);
      const found = served.candidates(addressOf(client), path);
      for (const { board, tree, path: rest } of found) {
        const isNamed = hardware(board).some((each) => path.join('/').toLowerCase().includes(each));
        const mine = boards.find(({ name }) => name === board);
        const isAllowed =
          board === '' ? hasPublic : mine?.isPublic || client === board || (client === 'nobody' && isNamed);
        expect(isAllowed).toBe(true);
        expect(tree).toBe(board === '' ? '/srv/public' : mine?.tree);
        expect([path, path.slice(1)]).toContainEqual(rest);
      }
    }),
  );
});

test('a path stays beneath its tree, or is refused', () => {
  const bytes = fc.array(fc.oneof(fc.constantFrom(0x2e, 0x2f), fc.integer({ min: 0, max: 255 })), {
    maxLength: 40,
  });
  fc.assert(
    fc.property(bytes, (name) => {
      try {
        for (const component of parsePath(Buffer.from(name))) {
          expect(['', '.', '..']).not.toContain(component);
          expect(component).toMatch(/^[^\0-\x1f\x7f/]+$/);
        }
      } catch (error) {
        if (!(error instanceof TftpError)) throw error;
        expect(error.code).toBe(2);
      }
    }),
  );
});
