/** One line for each request that was answered. */
import { visible } from '../system/boot-records.ts';
import type { Log } from '../system/log.ts';
import { type Client, hostAndPort, type TransferReport } from './server.ts';

/** Of each client and of all together, what did not lead to a complete transfer gets so many lines per period. */
const CLIENT_LINES = 60;
const ALL_LINES = 600;
const PERIOD_MS = 60_000;

function quoted(text: string): string {
  return `"${visible(text).replaceAll('"', '\\"')}"`;
}

export function transferLine({ client, name, file, ...report }: TransferReport): string {
  const pairs = [
    ['client', hostAndPort(client)],
    ['board', file && (file.board || '-')],
    ['file', quoted(file?.path ?? name.toString('latin1'))],
    ['bytes', report.bytes],
    ['seconds', report.seconds.toFixed(3)],
    ['sha256', report.sha256],
    ['retransmissions', report.retransmissions],
    ['result', quoted(report.result)],
  ];
  return `transfer ${pairs.flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${value}`])).join(' ')}`;
}

export class Journal {
  private readonly log: Log;
  /** While something was counted in it. */
  private period: NodeJS.Timeout | undefined;
  private readonly lines = new Map<string, number>();
  private all = 0;
  private left = 0;
  private unanswered = 0;

  constructor(log: Log) {
    this.log = log;
  }

  readonly report = (report: TransferReport): void => {
    if (report.outcome === 'complete') this.log('info', transferLine(report));
    else if (this.mayFill(report.client.address)) this.log('warning', transferLine(report));
    else this.left += 1;
  };

  readonly overLimit = ({ address }: Client): void => {
    this.beginPeriod();
    this.unanswered += 1;
    if (this.unanswered > 1) return;
    this.log(
      'warning',
      `more requests than are answered, the first from ${address}: see LIMITS in the manual`,
    );
  };

  private mayFill(address: string): boolean {
    this.beginPeriod();
    if (this.all >= ALL_LINES) return false;
    const lines = (this.lines.get(address) ?? 0) + 1;
    if (lines > CLIENT_LINES) return false;
    this.lines.set(address, lines);
    this.all += 1;
    return true;
  }

  private beginPeriod(): void {
    this.period ??= setTimeout(() => this.endPeriod(), PERIOD_MS).unref();
  }

  private endPeriod(): void {
    if (this.left > 0) this.log('warning', `${this.left} more requests were refused or failed`);
    if (this.unanswered > 1) this.log('warning', `${this.unanswered} requests got no answer`);
    this.period = undefined;
    this.lines.clear();
    this.all = 0;
    this.left = 0;
    this.unanswered = 0;
  }
}
