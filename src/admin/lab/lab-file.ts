/** /etc/novaboot/lab.yaml: what the whole lab is to be like. */
import { CommandError, ExitCode } from '../../shell/errors.ts';
import { errorWords } from '../../system/error-words.ts';
import { readRegularFile } from '../../system/regular-file.ts';
import type { DesiredBoard } from '../desired.ts';
import { boardsOf } from './meaning.ts';
import { checkShape } from './schema.ts';
import { parseYaml, type YamlPath } from './yaml.ts';

export const LAB_FILE = '/etc/novaboot/lab.yaml';

/** A thousand users with long keys have less. */
const MAX_BYTES = 4 * 1024 * 1024;
/** Whoever has more of them mostly has one cause. */
const MAX_PROBLEMS = 20;
const MAX_MESSAGE = 300;

/** Each of `problems` is `FILE:LINE:COLUMN: KEY: what is expected`; the message has the first. */
export class LabError extends CommandError {
  readonly problems: readonly string[];

  constructor(problems: readonly [string, ...string[]]) {
    super(problems[0], ExitCode.configuration);
    this.name = 'LabError';
    this.problems = problems;
  }
}

function readText(file: string): string {
  let bytes: Buffer | undefined;
  try {
    bytes = readRegularFile(file, MAX_BYTES);
  } catch (error) {
    throw new LabError([`${file}: cannot be read: ${errorWords(error)}`]);
  }
  if (bytes === undefined)
    throw new LabError([`${file}: there is no such file; novaboot-lab.yaml(5) tells how to write one`]);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new LabError([`${file}: cannot be read: it is not UTF-8`]);
  }
}

/** `LINE:COLUMN`, both from 1. */
function position(text: string, offset: number): string {
  const lines = text.slice(0, offset).split('\n');
  return `${lines.length}:${(lines.at(-1)?.length ?? 0) + 1}`;
}

/** As in `boards.rpi4.serials`; which entry of a list it is, its line tells. */
function keyOf(path: YamlPath): string {
  const keys = path.filter((part) => typeof part !== 'number');
  return keys.length === 0 ? '' : `${keys.join('.')}: `;
}

/** @throws LabError (78) with all that is wrong */
export async function parseLab(file: string, text: string): Promise<DesiredBoard[]> {
  const problems: { offset: number; message: string }[] = [];
  const yaml = parseYaml(text);
  const report = (path: YamlPath, problem: string) =>
    problems.push({ offset: yaml.offsetOf(path), message: keyOf(path) + problem });
  problems.push(...yaml.problems);
  // What is missing after a mistake in the syntax is nobody's mistake.
  const shape = problems.length === 0 ? checkShape(yaml.value, report) : undefined;
  const boards = shape ? await boardsOf(shape, report) : [];
  const [first, ...others] = problems
    .toSorted((a, b) => a.offset - b.offset)
    .slice(0, MAX_PROBLEMS)
    .map(({ offset, message }) => `${file}:${position(text, offset)}: ${message.slice(0, MAX_MESSAGE)}`);
  if (first === undefined) return boards;
  const more = problems.length - MAX_PROBLEMS;
  throw new LabError([first, ...others, ...(more > 0 ? [`${file}: and ${more} more`] : [])]);
}

/** @throws LabError (78) also for a file that cannot be read */
export async function readLab(file: string): Promise<DesiredBoard[]> {
  return await parseLab(file, readText(file));
}

/** All that is wrong in it. */
export async function labProblems(file: string): Promise<readonly string[]> {
  try {
    await readLab(file);
    return [];
  } catch (error) {
    if (error instanceof LabError) return error.problems;
    throw error;
  }
}
