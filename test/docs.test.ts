import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import type { AdminOption } from '../src/admin/command.ts';
import { adminCommands } from '../src/admin/commands/index.ts';
import { CONFIG_NAMES, NFS_NAMES } from '../src/admin/desired.ts';
import { LabError, parseLab } from '../src/admin/lab/lab-file.ts';
import { commands } from '../src/commands/index.ts';
import { USAGE as DEMO_USAGE } from '../src/demo/options.ts';
import { usage } from '../src/nfs/options.ts';
import { parseNfsConfig } from '../src/shell/nfs-config.ts';
import { parseCommandLine } from '../src/tftp/command-line.ts';
import { parseConfig } from '../src/tftp/config.ts';

const root = path.resolve(import.meta.dirname, '..');
const read = (file: string) => fs.readFileSync(path.join(root, file), 'utf8');
const files = (directory: string) => fs.readdirSync(path.join(root, directory));
const manuals = files('docs').filter((name) => /\.[1-9]$/.test(name));

/** "add-key NAME [admin]" as mdoc(7) writes it: "add-key Ar name Op Cm admin"; "[-v] FILE|-": "Oo Fl v Oc Ar file Ns |\\-". */
function mdoc(parameters = ''): string {
  return parameters
    .replace(/\[([A-Z]+)(\.\.\.)?\]/g, (_, word, more) => `Op ${word}${more ? ' ...' : ''}`)
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

it.each(commands.filter(({ forms }) => forms !== undefined))(
  'the manual has what may stand behind $name',
  ({ forms = [] }) => {
    for (const form of forms) {
      const [, word] = /^([a-z]+)\b(?! *[|.])/.exec(form) ?? [];
      if (word !== undefined)
        expect(read('docs/novaboot-shell.1')).toMatch(RegExp(`^\\.It (Ic|Cm) .*\\b${word}\\b`, 'm'));
      for (const [, dashes = '', option] of form.matchAll(/(?<![\w-])(--?)([a-z][a-z-]*)/g))
        expect(read('docs/novaboot-shell.1')).toMatch(
          RegExp(`Fl (. , )?${dashes === '--' ? '\\\\-' : ''}${option}\\b`),
        );
    }
  },
);

/** `{ name: 'key', value: 'FILE' }` as mdoc(7) writes it: `Fl \\-key Ar file`. */
function optionItem({ name, value, letter }: AdminOption): string {
  return `Fl ${letter ? `${letter} , ` : ''}\\-${name}${value ? ` Ar ${value.toLowerCase()}` : ''}`;
}

it.each(adminCommands.filter(({ hidden }) => !hidden))(
  'the manual of novaboot-admin has the command $name, and its options',
  ({ name, parameters, options = [] }) => {
    const [, ...parts] = read('docs/novaboot-admin.8').split(/^\.It Cm /m);
    const part = parts.find((each) => each.split(/\s/, 1)[0] === name) ?? '';
    expect(part.split('\n', 1)[0]).toBe(`${name} ${mdoc(parameters)}`.trim());
    const described = [...part.matchAll(/^\.It (Fl .*)$/gm)].map(([, item]) => item);
    expect(described).toEqual(options.map(optionItem));
  },
);

it('the manual of novaboot-admin has no other command', () => {
  const described = [...read('docs/novaboot-admin.8').matchAll(/^\.It Cm (\S+)/gm)].map(([, name]) => name);
  expect(described).toEqual(adminCommands.filter(({ hidden }) => !hidden).map(({ name }) => name));
});

it('the manual of novaboot-admin has the metrics', () => {
  const written = [...read('src/admin/state/metrics.ts').matchAll(/'(novaboot_\w+)'/g)].map(
    ([, name = '']) => name,
  );
  const described = read('docs/novaboot-admin.8').matchAll(/^\.It Va (novaboot_.*)$/gm);
  expect([...described].flatMap(([, names = '']) => names.split(' , ')).sort()).toEqual(written.sort());
});

it('the manual of adduser-novaboot has its options', () => {
  const { options = [] } = adminCommands.find(({ name }) => name === 'adduser-novaboot') ?? {};
  const described = [...read('docs/adduser-novaboot.8').matchAll(/^\.It (Fl .*)$/gm)].map(([, item]) => item);
  expect(described).toEqual(options.map(optionItem));
});

it('the manual of novaboot-demo has the options that --help has', () => {
  const listed = [...DEMO_USAGE.matchAll(/^ {2}--(\S+)/gm)].map(([, name]) => name);
  const described = [...read('docs/novaboot-demo.1').matchAll(/^\.It Fl \\-(\S+)/gm)].map(([, name]) => name);
  expect(described).toEqual(expect.arrayContaining(listed));
  expect(DEMO_USAGE).toMatch(RegExp(described.map((name) => `--${name}\\b`).join('|'), 'g'));
});

it('the manual of novaboot-power has what sudo allows', () => {
  for (const [, word] of read('units/novaboot.sudoers').matchAll(/novaboot-power ([a-z-]+)/g))
    expect(read('docs/novaboot-power.8')).toContain(`\n.It Cm ${word}\n`);
});

/** What a lab file may have, as the message about another key tells it. */
async function knownIn(content: string): Promise<string[]> {
  const error = await parseLab('file', content).catch((each: unknown) => each);
  expect(error).toBeInstanceOf(LabError);
  const [, known = ''] = /known are (.*)$/.exec((error as LabError).problems[0] ?? '') ?? [];
  return known.split(', ');
}

it.each([
  'boards: {}\nunknown: x\n',
  'boards: {b: {unknown: x}}\n',
  'boards: {b: {config: {unknown: x}}}\n',
  'boards: {b: {nfs: {unknown: x}}}\n',
])('the manual of the lab file has the settings of %j', async (content) => {
  const known = await knownIn(content);
  expect(known.length).toBeGreaterThan(1);
  for (const key of known)
    expect(read('docs/novaboot-lab.yaml.5')).toMatch(RegExp(`^\\.(It )?Va (.* , )?${key}\\b`, 'm'));
});

it.each([...CONFIG_NAMES, ...NFS_NAMES])('the manual of the configuration has %s', (name) => {
  expect(read('docs/novaboot-shell.conf.5')).toMatch(RegExp(`^\\.It Va (.* , )?${name}\\b`, 'm'));
});

it('the examples are without mistakes', async () => {
  const content = (name: string) => read(`docs/${name}.example`);
  expect(parseConfig([{ file: 'file', content: content('novaboot-tftpd.conf') }]).boards).toHaveLength(1);
  expect(parseNfsConfig('file', content('novaboot-nfs'))).toHaveProperty('allowed_clients');
  expect(await parseLab('file', content('novaboot-lab.yaml'))).toHaveLength(2);
});

it.each(manuals)('what %s refers to is there', (name) => {
  for (const [, title, section] of read(`docs/${name}`).matchAll(/^\.Xr ((?:novaboot-|adduser-)\S+) (\d)/gm))
    expect(manuals).toContain(`${title}.${section}`);
});

it('every program and unit has a manual', () => {
  const overview = read('docs/novaboot-server.7');
  for (const file of files('bin')) {
    const name = path.basename(file, '.ts');
    const own = manuals.filter((manual) => manual.replace(/\.\d$/, '') === name);
    expect([...own, ...(overview.includes(`.It Nm ${name}\n`) ? [overview] : [])], name).not.toEqual([]);
  }
  for (const unit of files('units').filter((name) => /\.(service|socket|timer|path)$/.test(name)))
    expect(overview).toMatch(RegExp(`^\\.It Pa (.* , )?${unit.replaceAll('.', '\\.')}`, 'm'));
  const referred = [...overview.matchAll(/^\.It Xr (\S+) (\d)$/gm)].map(
    ([, name, section]) => `${name}.${section}`,
  );
  expect([...referred, 'novaboot-server.7'].sort()).toEqual(manuals.sort());
});

it('README and CHANGELOG name what package.json has', () => {
  const { version, scripts } = JSON.parse(read('package.json')) as {
    version: string;
    scripts: Record<string, string>;
  };
  expect(read('CHANGELOG.md')).toContain(`## ${version}`);
  for (const [, script = ''] of read('README.md').matchAll(/npm run ([a-z]+)/g))
    expect(scripts).toHaveProperty(script);
});
