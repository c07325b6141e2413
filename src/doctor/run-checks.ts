/** Runs checks so that none of them depends on another: one that fails, or takes too long, is a finding itself. */
import type { Check, Finding, Said } from './finding.ts';

/** Milliseconds for one check: a device or a name server may not answer. */
const LIMIT = 20_000;

function failed(name: string, message: string): Said {
  return {
    severity: 'warning',
    subject: name,
    what: `The check "${name}" could not be made: ${message}`,
    why: 'What it looks for may be wrong without being told here.',
    fix: 'Correct what the message says, and ask again.',
  };
}

async function runOne<Context>(
  { name, run }: Check<Context>,
  context: Context,
  limit: number,
): Promise<readonly Said[]> {
  const end = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<readonly Said[]>((resolve) => {
    timer = setTimeout(() => {
      end.abort();
      resolve([failed(name, `it took longer than ${limit / 1000} s`)]);
    }, limit);
  });
  try {
    return await Promise.race([run(context, end.signal), late]);
  } catch (error) {
    return [failed(name, (error as Error).message)];
  } finally {
    clearTimeout(timer);
    end.abort();
  }
}

/** @returns what they say, in the order of the checks */
export async function runChecks<Context>(
  checks: readonly Check<Context>[],
  context: Context,
  limit = LIMIT,
): Promise<Finding[]> {
  const said = await Promise.all(checks.map((check) => runOne(check, context, limit)));
  return checks.flatMap(({ name }, index) => (said[index] ?? []).map((each) => ({ check: name, ...each })));
}
