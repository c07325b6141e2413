import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { commands } from '../src/commands/index.ts';
import { usage } from '../src/nfs/options.ts';
import { parseCommandLine } from '../src/tftp/command-line.ts';
import { parseConfig } from '../src/tftp/config.ts';

const root = path.resolve(import.meta.dirname, '..');
const read = (file: string) => fs.readFileSync(path.join(root, file), 'utf8');

/** "add-key NAME [admin]" as mdoc(7) writes it: "add-key Ar name Op Cm admin"; "[-v] FILE|-": "Oo Fl v Oc Ar file Ns |\\-". */
function mdoc(parameters = ''): string {
  return parameters
    .replace(/\[(--)?(\w+)\]/g, (_, dashes, word) => (dashes ? `Op Fl \\-${word}` : `Op Cm ${word}`))
    .replace(/\[-(\w)\]/g, 'Oo Fl $1 Oc')
    .replace(/\b[A-Z]{2,}\b/g, (word) => `Ar ${word.toLowerCase()}`)
    .replace('|-', ' Ns |\\-');
}

it.each(commands.filter(({ name }) => name !== ''))(
  'the manual has the command $name',
  ({ name, parameters }) => {
    expect(read('docs/novaboot-shell.1')).toContain(`\n.It Cm ${`${name} ${mdoc(parameters)}`.trim()}\n`);
  },
);

it('the manual has no other command', () => {
  const described = [...read('docs/novaboot-shell.1').matchAll(/^\.It Cm (\S+)/gm)].map(([, name]) => name);
  expect(described).toEqual(commands.map(({ name }) => name).filter((name) => name !== ''));
});

it('the manual of novaboot-nfsd has the options that --help has', () => {
  const listed = [...usage().matchAll(/^ {2}--(\S+)/gm)].map(([, name]) => name);
  const described = [...read('docs/novaboot-nfsd.1').matchAll(/^\.It Fl \\-(\S+)/gm)].map(([, name]) => name);
  expect(described).toEqual(listed);
});

it('the manual of novaboot-tftpd has the options that --help has', () => {
  const listed = [...String(parseCommandLine(['--help'])).matchAll(/^ {2}--(\S+)/gm)].map(([, name]) => name);
  const described = [...read('docs/novaboot-tftpd.8').matchAll(/^\.It Fl \\-(\S+)/gm)].map(
    ([, name]) => name,
  );
  expect(described).toEqual(listed);
});

it.each(['unknown=', '[board x]\nunknown='])(
  'the manual of its configuration has the settings of %j',
  (content) => {
    let problem = '';
    try {
      parseConfig([{ file: 'file', content }]);
    } catch (error) {
      problem = (error as Error).message;
    }
    const known = /known are (.*)$/.exec(problem)?.[1]?.split(', ') ?? [];
    expect(known).not.toEqual([]);
    for (const key of known) expect(read('docs/novaboot-tftpd.conf.5')).toContain(`\n.It Va ${key}\n`);
  },
);

it('README and CHANGELOG name what package.json has', () => {
  const { version, scripts } = JSON.parse(read('package.json')) as {
    version: string;
    scripts: Record<string, string>;
  };
  expect(read('CHANGELOG.md')).toContain(`## ${version}`);
  for (const [, script = ''] of read('README.md').matchAll(/npm run ([a-z]+)/g))
    expect(scripts).toHaveProperty(script);
});
