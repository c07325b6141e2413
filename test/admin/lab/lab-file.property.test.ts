/** Whatever stands in a lab file: boards, or problems with their places. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LabError, parseLab } from '../../../src/admin/lab/lab-file.ts';

const GOOD = `users: {alice: [ssh-ed25519 AAAA]}
boards:
  rpi4:
    addresses: [192.168.1.20]
    users: [alice]
    config: {console: "tcp:h:1"}
`;

/** The file with a piece replaced. */
const changed = fc
  .tuple(
    fc.nat(GOOD.length),
    fc.nat(10),
    fc.oneof(fc.string(), fc.constantFrom(...'[]{}:-?|>&*!%@"\'#\n\t ,')),
  )
  .map(([at, length, piece]) => GOOD.slice(0, at) + piece + GOOD.slice(at + length));

it.each([
  ['any text', fc.string({ unit: 'binary' })],
  ['a file with a mistake', changed],
])('%s', async (_, texts) => {
  await fc.assert(
    fc.asyncProperty(texts, async (text) => {
      try {
        await parseLab('lab', text);
      } catch (error) {
        expect(error).toBeInstanceOf(LabError);
        for (const problem of (error as LabError).problems)
          expect(problem).toMatch(/^lab:\d+:\d+: |^lab: and /);
      }
    }),
    { numRuns: 300 },
  );
});
