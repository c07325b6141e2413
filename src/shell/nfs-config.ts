/** ~/.novaboot-nfs: NAME=VALUE lines; the file's presence enables NFS. */
import fs from 'node:fs';
import path from 'node:path';
import dotenv from 'dotenv';
import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import { CommandError, ExitCode } from './errors.ts';
import { printable } from './text.ts';

const HOST_NAME = /^(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,62}))*\.?$/;

/** An address, a network in either notation (CIDR or dotted mask), or a host name. */
function isClient(text: string): boolean {
  const [address = '', mask, rest] = text.split('/');
  if (rest !== undefined) return false;
  const parsed =
    ipaddr.isValid(address) && (address.includes(':') || ipaddr.IPv4.isValidFourPartDecimal(address));
  if (mask === undefined) return parsed || (HOST_NAME.test(address) && !/^[\d.]+$/.test(address));
  if (!parsed) return false;
  const bits = ipaddr.parse(address).kind() === 'ipv4' ? 32 : 128;
  if (/^\d{1,3}$/.test(mask)) return Number(mask) <= bits;
  return (
    bits === 32 &&
    ipaddr.IPv4.isValidFourPartDecimal(mask) &&
    ipaddr.IPv4.parse(mask).prefixLengthFromSubnetMask() !== null
  );
}

const clients = z
  .string()
  .transform((text) => text.split(/[\s,]+/).filter((client) => client !== ''))
  .refine((list) => list.length > 0 && list.every(isClient), {
    error:
      'an address, a network (172.17.0.0/24, 192.168.0.0/255.255.255.0, ::/0) or a host name, or several of them',
  });

/** Each setting with what is expected of it. */
const schema = z.strictObject({
  allowed_clients: clients.optional(),
  server_addr: z
    .string()
    .refine((text) => isClient(text) && !text.includes('/'), {
      error: 'the address of this server as the board sees it',
    })
    .optional(),
  mount_options: z
    .string()
    .regex(/^[a-z0-9_]+(=[A-Za-z0-9_.:]+)?(,[a-z0-9_]+(=[A-Za-z0-9_.:]+)?)*$/, {
      error: 'mount options separated by commas, as in rsize=1048576,wsize=1048576',
    })
    .optional(),
});

export type NfsConfig = z.infer<typeof schema>;

interface Setting {
  readonly value: string;
  readonly line: number;
}

function parseLines(file: string, text: string): Map<string, Setting> {
  const settings = new Map<string, Setting>();
  for (const [index, line] of text.split('\n').entries()) {
    if (/^\s*(#.*)?$/.test(line)) continue;
    const parsed = /^\s*\w+\s*=/.test(line) ? Object.entries(dotenv.parse(line))[0] : undefined;
    if (parsed === undefined) {
      const shown = printable(line.slice(0, 60));
      throw new CommandError(
        `${file}:${index + 1}: expected NAME=VALUE instead of "${shown}"`,
        ExitCode.configuration,
      );
    }
    settings.set(parsed[0], { value: parsed[1], line: index + 1 });
  }
  return settings;
}

/** @throws CommandError (78) `FILE:LINE: KEY: what is expected` */
export function parseNfsConfig(file: string, text: string): NfsConfig {
  const settings = parseLines(file, text);
  const values = Object.fromEntries([...settings].map(([name, { value }]) => [name, value]));
  const result = schema.safeParse(values);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const name = String(issue?.code === 'unrecognized_keys' ? issue.keys[0] : issue?.path[0]);
  const expected =
    issue?.code === 'unrecognized_keys'
      ? `unknown setting, known are ${Object.keys(schema.shape).join(', ')}`
      : `expected ${issue?.message}`;
  const line = settings.get(name)?.line ?? 1;
  throw new CommandError(`${file}:${line}: ${name}: ${expected}`, ExitCode.configuration);
}

/** undefined where the file is missing: NFS is not enabled. */
export function readNfsConfig(home: string): NfsConfig | undefined {
  const file = path.join(home, '.novaboot-nfs');
  let text: string;
  try {
    text = fs.readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new CommandError(`${file}: ${(error as Error).message}`, ExitCode.configuration, { cause: error });
  }
  return parseNfsConfig(file, text);
}
