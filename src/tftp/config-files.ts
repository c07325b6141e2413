/** The files of the configuration: the administrator's own FILE, and those of boards beside it, FILE.d/NAME.conf. */
import fs from 'node:fs';
import path from 'node:path';
import { ConfigError } from './config-error.ts';

/** Where the configuration is on an installed host. */
export const CONFIG = '/etc/novaboot/tftpd.conf';

/** A file as it is read, or as it would be. */
export interface ConfigText {
  readonly file: string;
  readonly content: string;
  /** Why there is no content, as in ConfigError. */
  readonly unreadable?: string;
}

function unreadable(file: string, error: unknown): string {
  return `${file}: cannot be read: ${(error as NodeJS.ErrnoException).code}`;
}

function entries(directory: string): string[] {
  try {
    return fs.readdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new ConfigError([unreadable(directory, error)], { cause: error });
  }
}

/** Where the files of boards are. */
export function boardsDirectory(config: string): string {
  return `${config}.d`;
}

/** FILE first, the others in the order of their names. @throws ConfigError */
function configFiles(config: string): [string, ...string[]] {
  const directory = boardsDirectory(config);
  const names = entries(directory).filter((name) => /^[^.].*\.conf$/.test(name));
  return [config, ...names.sort().map((name) => path.join(directory, name))];
}

function readText(file: string): ConfigText {
  try {
    return { file, content: fs.readFileSync(file, 'utf8') };
  } catch (error) {
    return { file, content: '', unreadable: unreadable(file, error) };
  }
}

/** @throws ConfigError if FILE or the directory cannot be read */
export function readTexts(config: string): [ConfigText, ...ConfigText[]] {
  const [main, ...others] = configFiles(config).map(readText) as [ConfigText, ...ConfigText[]];
  if (main.unreadable !== undefined) throw new ConfigError([main.unreadable]);
  return [main, ...others];
}

/** Differs when the file was written or replaced, or who may read it. */
export function stampOf(file: string): string {
  try {
    const { dev, ino, size, ctimeNs } = fs.statSync(file, { bigint: true });
    return `${dev}:${ino}:${size}:${ctimeNs}`;
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
}

/** Differs when one of the files does, or comes or goes. */
export function configStamp(config: string): string {
  try {
    return configFiles(config)
      .map((file) => `${file} ${stampOf(file)}`)
      .join('\n');
  } catch (error) {
    return (error as Error).message;
  }
}
