/** The shape of a lab file: novaboot-lab.yaml(5). What the texts mean is looked at afterwards. */
import * as z from 'zod/mini';
import { CONFIG_NAMES, NFS_NAMES } from '../desired.ts';
import type { YamlPath } from './yaml.ts';

const text = z.string({ error: 'expected text' });
const list = z.array(text, { error: 'expected a list' });
const clients = z.pipe(
  z.union([text, list], { error: 'expected text or a list' }),
  z.transform((value) => (Array.isArray(value) ? value.join(' ') : value)),
);
const flag = z.pipe(
  z.enum(['yes', 'no', 'true', 'false'], { error: 'expected yes or no' }),
  z.transform((value) => value === 'yes' || value === 'true'),
);
const settings = { error: 'expected settings, or {} for none' };

/** Any of these names. */
function some<Name extends string>(names: readonly Name[]) {
  const shape = Object.fromEntries(names.map((name) => [name, z.optional(text)]));
  return z.strictObject(shape as Record<Name, z.ZodMiniOptional<typeof text>>, settings);
}

const board = z.strictObject(
  {
    home: z.optional(text),
    addresses: z.optional(list),
    macs: z.optional(list),
    serials: z.optional(list),
    users: z.optional(list),
    admins: z.optional(list),
    nfs: z.optional(z.extend(some(NFS_NAMES), { allowed_clients: z.optional(clients) })),
    power_off: z.optional(flag),
    config: z.optional(some(CONFIG_NAMES)),
  },
  settings,
);

const lab = z.strictObject(
  {
    users: z.optional(z.record(z.string(), list, settings)),
    boards: z.record(z.string(), board, { error: 'expected boards, or {} for none' }),
  },
  { error: 'expected users: and boards:' },
);

export type LabText = z.infer<typeof lab>;
export type BoardText = z.infer<typeof board>;

/** What is wrong at a place of the file. */
export type Report = (path: YamlPath, problem: string) => void;

/** The keys that could stand there: at the top, in `boards.NAME`, or in `boards.NAME.KEY`. */
function knownAt(path: YamlPath): string {
  const inBoard = path[2] === 'config' ? CONFIG_NAMES : NFS_NAMES;
  const byDepth = [Object.keys(lab.shape), [], Object.keys(board.shape), inBoard];
  return (byDepth[path.length] ?? []).join(', ');
}

/** @returns undefined after a problem */
export function checkShape(value: unknown, report: Report): LabText | undefined {
  const result = lab.safeParse(value);
  if (result.success) return result.data;
  for (const issue of result.error.issues) {
    if (issue.code !== 'unrecognized_keys') report(issue.path, issue.message);
    else {
      for (const key of issue.keys)
        report([...issue.path, key], `unknown setting, known are ${knownAt(issue.path)}`);
    }
  }
  return undefined;
}
