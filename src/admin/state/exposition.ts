/** The text format that Prometheus reads, version 0.0.4: a line of help and type for each metric, then its samples. */

type Labels = Readonly<Record<string, string>>;

export type Sample = readonly [labels: Labels, value: number | null];

/** Where names of boards' users come from, there may be any characters. */
function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function labelsText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

/**
 * Nothing for a metric without samples.
 *
 * @param name with the ending that its type has: `_total` for a counter
 * @param samples null is left out: it is not known
 */
export function metric(
  name: string,
  type: 'counter' | 'gauge',
  help: string,
  samples: readonly Sample[],
): string {
  const lines = samples.flatMap(([labels, value]) =>
    value !== null && Number.isFinite(value) ? [`${name}${labelsText(labels)} ${value}\n`] : [],
  );
  return lines.length === 0 ? '' : `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}
