import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Journal, transferLine } from '../../src/tftp/journal.ts';
import type { TransferReport } from '../../src/tftp/server.ts';

const complete: TransferReport = {
  client: { address: '192.0.2.1', port: 1024 },
  name: Buffer.from('rpi4/Image'),
  file: { fd: 9, size: 5, board: 'rpi4', path: 'Image' },
  ...{ bytes: 5, seconds: 0.0123, sha256: 'abcd', retransmissions: 1 },
  ...{ outcome: 'complete', result: 'complete' },
};
const refused = (address: string): TransferReport => ({
  ...complete,
  ...{ client: { address, port: 1024 }, file: undefined, bytes: 0, sha256: undefined },
  ...{ outcome: 'refused', result: 'File not found' },
});

describe('the line of a transfer', () => {
  it('has all that there is', () => {
    expect(transferLine(complete)).toBe(
      'transfer client=192.0.2.1:1024 board=rpi4 file="Image" bytes=5 seconds=0.012 sha256=abcd retransmissions=1 result="complete"',
    );
  });

  it('names what was asked for in vain', () => {
    expect(transferLine(refused('fd00::1'))).toBe(
      'transfer client=[fd00::1]:1024 file="rpi4/Image" bytes=0 seconds=0.012 retransmissions=1 result="File not found"',
    );
  });

  it('says that a file is of no board', () => {
    const file = { fd: 9, size: 5, board: '', path: 'Image' };
    expect(transferLine({ ...complete, file })).toContain(' board=- ');
  });

  it('is one line, whatever a client sends', () => {
    const name = Buffer.from('a\n<0>b" result="x\\\x1b[2J\xff', 'latin1');
    const line = transferLine({ ...complete, file: undefined, name, result: 'a"\nb\u2028' });
    expect(line).toMatch(/^[ -~]*$/);
    expect(line).toContain('file="a\\x0a<0>b\\" result=\\"x\\\\\\x1b[2J\\xff" ');
    expect(line).toContain('result="a\\"\\x0ab\\x2028"');
  });

  it('is not as long as a client likes', () => {
    const name = Buffer.alloc(60_000, '\x01');
    expect(transferLine({ ...complete, file: undefined, name }).length).toBeLessThan(1500);
  });
});

describe('the journal', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it('is not filled by what fails, and tells how much it left out', () => {
    const log = vi.fn();
    const journal = new Journal(log);
    for (let count = 0; count < 100; count += 1) journal.report(refused('192.0.2.66'));
    expect(log).toHaveBeenCalledTimes(60);
    journal.report(refused('192.0.2.1'));
    expect(log).toHaveBeenCalledTimes(61);
    for (let count = 0; count < 1000; count += 1) journal.report(refused(`fd00::${count}`));
    expect(log).toHaveBeenCalledTimes(600);
    journal.report(complete);
    expect(log).toHaveBeenLastCalledWith('info', expect.stringContaining('result="complete"'));
    vi.advanceTimersByTime(60_000);
    expect(log).toHaveBeenLastCalledWith('warning', '501 more requests were refused or failed');
    journal.report(refused('192.0.2.66'));
    expect(log).toHaveBeenCalledTimes(603);
    vi.advanceTimersByTime(60_000);
    expect(log).toHaveBeenCalledTimes(603);
  });

  it('tells once a minute that requests get no answer, and how many', () => {
    const log = vi.fn();
    const journal = new Journal(log);
    for (let count = 0; count < 100; count += 1) journal.overLimit({ address: '192.0.2.66', port: 1024 });
    expect(log.mock.calls).toEqual([
      ['warning', expect.stringContaining('more requests than are answered, the first from 192.0.2.66')],
    ]);
    vi.advanceTimersByTime(60_000);
    expect(log).toHaveBeenLastCalledWith('warning', '100 requests got no answer');
    journal.overLimit({ address: 'fd00::1', port: 1024 });
    expect(log).toHaveBeenLastCalledWith('warning', expect.stringContaining('from fd00::1:'));
  });
});
