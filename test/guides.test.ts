/** The guides and the README: whatever they name is there. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { adminCommands } from '../src/admin/commands/index.ts';
import { parseLab } from '../src/admin/lab/lab-file.ts';
import { commands } from '../src/commands/index.ts';
import { parsePlain } from '../src/shell/config.ts';

const root = path.resolve(import.meta.dirname, '..');
const docs = path.join(root, 'docs');
const guides = fs.readdirSync(docs).filter((name) => name.endsWith('.md'));

/** Fenced blocks in one of these languages. */
function blocks(text: string, language: string): string[] {
  const fenced = text.matchAll(/^( *)```(\w*)\n([\s\S]*?)^\1```$/gm);
  return [...fenced].flatMap(([, , word, content = '']) => (word === language ? [content] : []));
}

/** Fenced blocks and `words`; lines that go on are joined. */
function code(text: string): string[] {
  const fenced = [...text.matchAll(/^( *)```\w*\n([\s\S]*?)^\1```$/gm)].map(([, , content = '']) => content);
  const words = text.replaceAll(/^( *)```[\s\S]*?^\1```$/gm, '').matchAll(/`([^`]+)`/g);
  return [...fenced, ...[...words].map(([, word = '']) => word.replaceAll('\n', ' '))].flatMap((part) =>
    part.replaceAll('\\\n', ' ').split('\n'),
  );
}

/** As a page of the repository makes it of a heading. */
function anchor(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^a-z0-9 -]/g, '')
    .replaceAll(' ', '-');
}

function anchors(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => anchor(heading));
}

/** What `ssh HOST` is followed by: HOST is the user's alias, or an account at the server. */
const SSH = /\bssh (?:-t )?(?:board|BOARD|\w+@lab) (?:-- )?([a-z][a-z-]*)(?: ([a-z]+))?/g;

describe.each([...guides.map((name) => `docs/${name}`), 'README.md'])('%s', (name) => {
  const text = fs.readFileSync(path.join(root, name), 'utf8');

  it('names commands of boards that there are', () => {
    for (const line of code(text)) {
      for (const [, word = '', next = ''] of line.matchAll(SSH)) {
        const command = commands.find((each) => each.name === word);
        expect(command, line).toBeDefined();
        const words = command?.forms?.flatMap((form) => /^[a-z]+/.exec(form)?.[0] ?? []) ?? [];
        if (words.length > 1 && word === 'root') expect(words, line).toContain(next);
      }
    }
  });

  it('names commands of administrators that there are, with their options', () => {
    for (const line of code(text)) {
      const [, word, rest = ''] = /\bnovaboot-admin ([a-z][a-z-]*)(.*)/.exec(line) ?? [];
      if (word === undefined) continue;
      const { options = [] } = adminCommands.find((each) => each.name === word) ?? {};
      expect(
        adminCommands.map((each) => each.name),
        line,
      ).toContain(word);
      // What is quoted is another program's.
      for (const [, option] of rest.replaceAll(/'[^']*'?/g, '').matchAll(/ --([a-z-]+)/g))
        expect(
          options.map((each) => each.name),
          line,
        ).toContain(option);
    }
  });

  it('leads to files and headings that there are', () => {
    for (const [, file = '', heading] of text.matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)) {
      const target = file === '' ? path.join(root, name) : path.resolve(root, path.dirname(name), file);
      expect(fs.existsSync(target), file).toBe(true);
      if (heading !== undefined) expect(anchors(fs.readFileSync(target, 'utf8'))).toContain(heading);
    }
  });

  it('names manuals, units and examples that there are', () => {
    for (const [, page, section] of text.matchAll(/\b((?:ad|nova)[\w.-]*(?:board|boot)[\w.-]*)\((\d)\)/g))
      expect(fs.readdirSync(docs)).toContain(`${page}.${section}`);
    const units = fs.readdirSync(path.join(root, 'units'));
    for (const [, unit, type] of text.matchAll(/\b(novaboot-[\w-]+@?)\w*\.(service|timer|socket|path)\b/g))
      expect(units).toContain(`${unit}.${type}`);
    for (const [, example] of text.matchAll(/novaboot-server\/examples\/([\w.-]*\w)/g))
      expect(fs.readdirSync(docs)).toContain(`${example}.example`);
  });

  it('has configurations without mistakes', async () => {
    for (const lab of blocks(text, 'yaml')) expect(await parseLab(name, lab)).not.toEqual([]);
    for (const [part, , lines] of text.matchAll(/^target_config=(["'])([\s\S]*?)^\1$/gm))
      expect(parsePlain(part)?.get('target_config')).toBe(lines?.replace(/^\\\n/, ''));
  });
});
