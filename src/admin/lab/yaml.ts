/**
 * YAML 1.2.2, as much as a lab file needs: mappings, lists and text, with the place of each. Every scalar is text (the
 * failsafe schema, §10.1), so that the serial number 00001234 stays what it is.
 */
import { Composer, type CST, isMap, isScalar, isSeq, Lexer, type Node, Parser } from 'yaml';

/** Keys, and numbers of entries. */
export type YamlPath = readonly PropertyKey[];

export interface YamlProblem {
  /** Characters from the beginning of the file. */
  readonly offset: number;
  readonly message: string;
}

export interface YamlText {
  /** Text, arrays, and objects without a prototype; undefined for an empty file. */
  readonly value: unknown;
  readonly problems: readonly YamlProblem[];
  /** Where the key or the entry begins, or the nearest one above it. */
  offsetOf(path: YamlPath): number;
}

/** On the parser's stack; a lab file needs 12, and the package goes down by calling itself. */
const MAX_DEPTH = 32;

/** In words for those who know YAML less well than the package does. */
const WORDS: Readonly<Record<string, string>> = {
  MULTIPLE_DOCS: 'expected one document, without ---',
  NON_STRING_KEY: 'expected a key that is text',
  TAB_AS_INDENT: 'expected blanks instead of a tab',
};

/** @returns where it is nested too deeply, if it is */
function tokensOf(text: string): CST.Token[] | number {
  const parser = new Parser();
  const tokens: CST.Token[] = [];
  for (const lexeme of new Lexer().lex(text)) {
    tokens.push(...parser.next(lexeme));
    if (parser.stack.length > MAX_DEPTH) return parser.offset;
  }
  tokens.push(...parser.end());
  return tokens;
}

/** From the package's nodes to plain values. */
class Reader {
  readonly problems: YamlProblem[] = [];
  private readonly offsets = new Map<string, number>();

  read(node: unknown, path: YamlPath = []): unknown {
    if (node === null) return '';
    if (isScalar(node)) return String(node.value ?? '');
    if (isSeq(node)) {
      return node.items.map((item, index) => this.entry(item, [...path, index], item));
    }
    if (isMap(node)) return this.mapping(node.items, path);
    const { range } = node as Node;
    this.problems.push({
      offset: range?.[0] ?? 0,
      message: 'expected the value itself: anchors and aliases are not known here',
    });
    return undefined;
  }

  offsetOf(path: YamlPath): number {
    for (let length = path.length; length > 0; length--) {
      const offset = this.offsets.get(JSON.stringify(path.slice(0, length)));
      if (offset !== undefined) return offset;
    }
    return 0;
  }

  private entry(value: unknown, path: YamlPath, place: unknown): unknown {
    this.offsets.set(JSON.stringify(path), (place as Node).range?.[0] ?? 0);
    return this.read(value, path);
  }

  private mapping(pairs: readonly { key: unknown; value: unknown }[], path: YamlPath): object {
    const values: Record<string, unknown> = Object.create(null);
    for (const { key, value } of pairs) {
      const name = isScalar(key) ? String(key.value ?? '') : '';
      const offset = (key as Node).range?.[0] ?? 0;
      // What checks the shape takes it out without a word.
      if (name === '__proto__') this.problems.push({ offset, message: `${name}: expected another key` });
      else if (name in values) this.problems.push({ offset, message: `${name}: expected once` });
      else values[name] = this.entry(value, [...path, name], key);
    }
    return values;
  }
}

/** @param text of a bounded length */
export function parseYaml(text: string): YamlText {
  const tokens = tokensOf(text);
  if (typeof tokens === 'number') {
    const problems = [{ offset: tokens, message: 'expected less nesting' }];
    return { value: undefined, problems, offsetOf: () => 0 };
  }
  // The package compares each key with all others.
  const composer = new Composer({ schema: 'failsafe', stringKeys: true, uniqueKeys: false });
  const [document, another] = composer.compose(tokens, true, text.length);
  const complaints = [...(document?.errors ?? []), ...(document?.warnings ?? [])];
  const problems = complaints.map(({ code, message, pos: [offset] }) => ({
    offset,
    message: WORDS[code] ?? `not YAML: ${message.split('\n', 1)[0]}`,
  }));
  if (another !== undefined) problems.push({ offset: another.range[0], message: WORDS.MULTIPLE_DOCS ?? '' });
  const reader = new Reader();
  const contents = document?.contents;
  // What is broken would be told twice.
  const value = problems.length > 0 || !contents ? undefined : reader.read(contents);
  return { value, problems: [...problems, ...reader.problems], offsetOf: (path) => reader.offsetOf(path) };
}
