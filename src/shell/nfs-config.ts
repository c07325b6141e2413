/** ~/.novaboot-nfs: NAME=VALUE lines; the file's presence enables NFS. */
import fs from 'node:fs';
import dotenv from 'dotenv';
import * as z from 'zod/mini';
import { parseSize, SIZE_EXPECTED } from '../rootfs/quota.ts';
import { isClient, splitClients } from '../system/client-list.ts';
import { CommandError, ExitCode } from './errors.ts';
import { nfsConfigFile } from './nfs-place.ts';
import { printable } from './text.ts';

const clients = z.pipe(
  z.pipe(z.string(), z.transform(splitClients)),
  z.array(z.string()).check(
    z.refine((list) => list.length > 0 && list.every(isClient), {
      error:
        'an address, a network (172.17.0.0/24, 192.168.0.0/255.255.255.0, ::/0) or a host name, or several of them',
    }),
  ),
);

const size = z.pipe(z.pipe(z.string(), z.transform(parseSize)), z.number({ error: SIZE_EXPECTED }));

const yesNo = z.optional(z.enum(['yes', 'no'], { error: 'yes or no' }));

/** Each setting with what is expected of it. zod/mini: get-config reads this file each time. */
const schema = z.strictObject({
  allowed_clients: z.optional(clients),
  server_addr: z.optional(
    z.string().check(
      z.refine((text) => isClient(text) && !text.includes('/'), {
        error: 'the address of this server as the board sees it',
      }),
    ),
  ),
  secure: yesNo,
  sync: yesNo,
  quota: z.optional(size),
  max_files: z.optional(
    z.pipe(z.string().check(z.regex(/^\d{1,9}$/, { error: 'a number of files' })), z.transform(Number)),
  ),
  mount_options: z.optional(
    z.string().check(
      z.regex(/^[a-z0-9_]+(=[A-Za-z0-9_.:]+)?(,[a-z0-9_]+(=[A-Za-z0-9_.:]+)?)*$/, {
        error: 'mount options separated by commas, as in rsize=1048576,wsize=1048576',
      }),
    ),
  ),
});

/** What a setting of the server's that is yes or no is called, there and here. */
export const SWITCHES = ['secure', 'sync'] as const;

export type NfsConfig = z.infer<typeof schema>;

interface Setting {
  readonly value: string;
  readonly line: number;
}

/** Line by line, since the package takes minutes for a file of line ends. @throws CommandError (78) for no settings */
export function parseNfsSettings(file: string, text: string): ReadonlyMap<string, Setting> {
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
  const settings = parseNfsSettings(file, text);
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
  const file = nfsConfigFile(home);
  let text: string;
  try {
    text = fs.readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new CommandError(`${file}: ${(error as Error).message}`, ExitCode.configuration, { cause: error });
  }
  return parseNfsConfig(file, text);
}
