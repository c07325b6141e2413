/** A time as users give it: 10m, 14:30, 2026-11-21T10:00. */

const UNIT_MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const AGO = /^(\d{1,6})([smhd])$/;
const CLOCK = /^(\d{1,2}):(\d\d)(?::(\d\d))?$/;
const DAY = /^\d{4}-\d\d-\d\d$/;
/** ISO 8601, extended format. */
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)?$/;

/** The last time that the clock showed this. */
function lastClock(now: Date, hours: number, minutes: number, seconds: number): Date | undefined {
  if (hours > 23 || minutes > 59 || seconds > 59) return undefined;
  const time = new Date(now);
  time.setHours(hours, minutes, seconds, 0);
  if (time > now) time.setDate(time.getDate() - 1);
  return time;
}

/** In the server's time zone, unless it says another. @returns undefined for what is no time */
export function parseSince(text: string, now: Date): Date | undefined {
  const [, count, unit] = AGO.exec(text) ?? [];
  if (count !== undefined)
    return new Date(now.getTime() - Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS]);
  const clock = CLOCK.exec(text);
  if (clock) return lastClock(now, Number(clock[1]), Number(clock[2]), Number(clock[3] ?? 0));
  if (!DAY.test(text) && !ISO.test(text)) return undefined;
  // ECMA-262 takes a date alone for UTC.
  const time = new Date(DAY.test(text) ? `${text}T00:00` : text);
  return Number.isNaN(time.getTime()) ? undefined : time;
}
