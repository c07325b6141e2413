import path from 'node:path';
import { expect, it } from 'vitest';
import { manualOf } from '../../../src/commands/help/manual.ts';
import { plainText } from '../../../src/commands/help/mdoc.ts';
import { commands } from '../../../src/commands/index.ts';

const program = path.resolve(import.meta.dirname, '../../../bin/novaboot-shell.ts');
const named = commands.filter(({ name }) => name !== '');

it.each(named)('there is a text on $name', ({ name }) => {
  const text = manualOf(name, program);
  expect(text.length).toBeGreaterThan(15);
  // Neither macros nor escapes are left.
  expect(text).not.toMatch(/^\.|\\.|\b(Ar|Cm|Fl|Ns|Oc|Op|Pa|Ql|Xr)\b/m);
  for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
});

it('has the parts of a command, and the section that it points to', () => {
  expect(manualOf('root', program)).toMatch(/^save NAME \[@N\]\n {4}Keep a copy of the live root/m);
  expect(manualOf('console-log', program)).toMatch(/^-n, --lines NUMBER\n {4}Show the last lines only\.$/m);
  expect(manualOf('console-log', program)).not.toContain('A BOARD THAT DOES NOT COME UP');
});

it('is nothing where no manual is, and for what is no command', () => {
  expect(manualOf('root', '/nowhere/novaboot-shell.js')).toBe('');
  expect(manualOf('frobnicate', program)).toBe('');
});

it.each([
  [
    'Say\n.Ql rsync Ar file ... Ar board Ns \\&: ,\nthen\n.Xr ssh 1 .',
    "Say 'rsync FILE ... BOARD:', then ssh(1).",
  ],
  ['.Bl -tag\n.It Cm untar Oo Fl v Oc Ar file Ns |\\-\nUnpack.\n.El', 'untar [-v] FILE|-\n    Unpack.'],
  ['.Fl \\-chown Ns = Ns 0:0 .', '--chown=0:0.'],
  ['.Op Fl \\-json', '[--json]'],
  ['Mounts\n.Po\n.Fl M\nand\n.Fl S\nof\n.Xr ssh 1\n.Pc .', 'Mounts (-M and -S of ssh(1)).'],
  ['Commands\n.Cm on , off\nand\n.Cm reset .', 'Commands on, off and reset.'],
  ['.Dq novaboot-shell: Connected ,\nsee\n.Sx USERS .', '"novaboot-shell: Connected", see "USERS".'],
  [
    'one\n.Bd -literal -offset indent\nls  -l \\e\n  x\n.Ed\n.Pp\ntwo',
    'one\n\n    ls  -l \\\n      x\n\ntwo',
  ],
])('%j', (source, text) => {
  expect(plainText(source.split('\n'))).toBe(`${text}\n`);
});

it('says which macro it does not know', () => {
  expect(() => plainText(['.Bf Em'])).toThrow('Bf');
});
