/** The configuration as text: ini(5), with the lines that its parts are in. */
import ini from 'ini';
import type { ConfigText } from './config-files.ts';

export interface Place {
  readonly file: string;
  readonly line: number;
}

/** KEY=VALUE */
interface Setting extends Place {
  readonly key: string;
  readonly value: string;
}

export interface Section extends Place {
  /** The board's name; undefined for what stands above all boards. */
  readonly board: string | undefined;
  readonly settings: Setting[];
}

/** An account's name. */
const BOARD = /^board\s+([A-Za-z0-9_][A-Za-z0-9_.-]{0,63})$/;

/** The value is in quotes, or has nothing that would end it. A comment may follow it, behind a blank. */
const SETTING = /^[^\s=[\]"';#]+\s*=\s*(?:"[^"]*"|'[^']*'|[^"';#]*(?:\s[;#].*)?)$/;
const CONTROL = /[\0-\x08\x0a-\x1f\x7f]/;

/** What is wrong at a key in a line. */
export type Report = (place: Place, key: string, problem: string) => void;

/**
 * Line by line, since the package tells no lines.
 *
 * @returns what stands above all boards, and each board
 */
export function parseSections({ file, content }: ConfigText, report: Report): [Section, ...Section[]] {
  let section: Section = { board: undefined, file, line: 1, settings: [] };
  const sections: [Section, ...Section[]] = [section];
  for (const [index, text] of content.split(/\r?(?:\n|$)/).entries()) {
    const place = { file, line: index + 1 };
    if (CONTROL.test(text)) {
      report(place, text.slice(0, 60).replace(/[^ -~]+/g, '?'), 'expected no control character');
      continue;
    }
    if (/^\s*(?:[;#].*)?$/.test(text)) continue;
    const head = /^\s*\[(.*?)\]\s*(?:[;#].*)?$/.exec(text)?.[1];
    if (head !== undefined) {
      const board = BOARD.exec(head.trim())?.[1];
      if (board === undefined) report(place, `[${head}]`, 'expected [board NAME]');
      section = { board: board ?? '?', ...place, settings: [] };
      if (board !== undefined) sections.push(section);
      continue;
    }
    const [setting] = SETTING.test(text.trim()) ? Object.entries(ini.parse(text.trim())) : [];
    if (setting === undefined) {
      const expected = /=.*[;#]/.test(text)
        ? 'expected double quotes around a value with ; or #'
        : 'expected KEY=VALUE';
      report(place, text.trim().slice(0, 60), expected);
    } else section.settings.push({ key: setting[0], value: String(setting[1]), ...place });
  }
  return sections;
}
