/** Usage and quota in words. */
import type { Figures } from '../rootfs/quota.ts';

/** 1536 as "1.5K", as df -h and the settings have it. */
export function diskSize(bytes: number): string {
  const units = ['', 'K', 'M', 'G', 'T'];
  const power = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), units.length - 1);
  return `${(bytes / 1024 ** power).toFixed(power === 0 ? 0 : 1)}${units[power]}`;
}

/** "1.0G of 20.0G" */
function share(used: number, limit: number, text: (figure: number) => string): string {
  return Number.isFinite(limit) ? `${text(used)} of ${text(limit)}` : text(used);
}

export function quotaLine(used: Figures, limits: Figures): string {
  const bytes = share(used.bytes, limits.bytes, diskSize);
  const files = share(used.files, limits.files, String);
  return `Quota: ${bytes} and ${files} files used; replaced roots do not count.\n`;
}
