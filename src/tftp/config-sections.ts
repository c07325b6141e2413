/** The configuration as text: ini(5), with the lines that its parts are in. */
import ini from 'ini';

/** KEY=VALUE */
interface Setting {
  readonly key: string;
  readonly value: string;
  readonly line: number;
}

export interface Section {
  /** The board's name; undefined for what stands above all boards. */
  readonly board: string | undefined;
  readonly line: number;
  readonly settings: Setting[];
}

/** An account's name. */
const BOARD = /^board\s+([A-Za-z0-9_][A-Za-z0-9_.-]{0,63})$/;

/** What is wrong at a key in a line. */
export type Report = (line: number, key: string, problem: string) => void;

/**
 * Line by line, since the package tells no lines.
 *
 * @returns what stands above all boards, and each board
 */
export function parseSections(content: string, report: Report): Section[] {
  let section: Section = { board: undefined, line: 1, settings: [] };
  const sections = [section];
  for (const [index, text] of content.split('\n').entries()) {
    const line = index + 1;
    if (/^\s*(?:[;#].*)?$/.test(text)) continue;
    const head = /^\s*\[(.*?)\]\s*(?:[;#].*)?$/.exec(text)?.[1];
    if (head !== undefined) {
      const board = BOARD.exec(head.trim())?.[1];
      if (board === undefined) report(line, `[${head}]`, 'expected [board NAME]');
      section = { board: board ?? '?', line, settings: [] };
      if (board !== undefined) sections.push(section);
      continue;
    }
    const [setting] = text.includes('=') ? Object.entries(ini.parse(text.trim())) : [];
    if (setting === undefined) report(line, text.trim().slice(0, 60), 'expected KEY=VALUE');
    else section.settings.push({ key: setting[0], value: String(setting[1]), line });
  }
  return sections;
}
