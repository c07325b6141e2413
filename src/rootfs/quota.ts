/** How much a user may have on this machine: settings, and what is compared with them. */

/** What files take, or may take. */
export interface Figures {
  /** On disk: st_blocks * 512. */
  readonly bytes: number;
  /** Inodes: a file with several names is one, a directory as well. */
  readonly files: number;
}

export const NOTHING: Figures = { bytes: 0, files: 0 };
/** Of who has no quota. */
export const UNLIMITED: Figures = { bytes: Number.POSITIVE_INFINITY, files: Number.POSITIVE_INFINITY };

export function plus(one: Figures, other: Figures): Figures {
  return { bytes: one.bytes + other.bytes, files: one.files + other.files };
}

export function minus(one: Figures, other: Figures): Figures {
  return { bytes: one.bytes - other.bytes, files: one.files - other.files };
}

/** @param quota bytes; 0 or undefined is no limit, also for `maxFiles` */
export function limitsOf(quota: number | undefined, maxFiles: number | undefined): Figures {
  return { bytes: quota || Number.POSITIVE_INFINITY, files: maxFiles || Number.POSITIVE_INFINITY };
}

export function isLimited({ bytes, files }: Figures): boolean {
  return Number.isFinite(bytes) || Number.isFinite(files);
}

/** JSON has no infinity: null is no limit. */
export function jsonLimits({ bytes, files }: Figures): { bytes: number | null; files: number | null } {
  const finite = (figure: number) => (Number.isFinite(figure) ? figure : null);
  return { bytes: finite(bytes), files: finite(files) };
}

const UNITS = ['', 'K', 'M', 'G', 'T'];
const SIZE = /^(\d{1,15})([KMGT]?)$/;
/** What parseSize() takes, for messages. */
export const SIZE_EXPECTED = 'a number of bytes, or of K, M, G or T (powers of 1024), as in 20G';

/** Bytes of "20G"; undefined for what is none or more than a file system can have. */
export function parseSize(text: string): number | undefined {
  const [, digits, unit = ''] = SIZE.exec(text) ?? [];
  const bytes = Number(digits) * 1024 ** UNITS.indexOf(unit);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}
