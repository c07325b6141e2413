import { describe, expect, it } from 'vitest';
import { parseCommandLine } from '../../src/tftp/command-line.ts';

describe('the command line', () => {
  it('has defaults', () => {
    expect(parseCommandLine([])).toEqual({ config: '/etc/novaboot/tftpd.conf', listen: [], check: false });
  });

  it('may name several addresses', () => {
    const given = ['127.0.0.1:69', '[::1]:6969', '[::]:0', '[::ffff:10.0.0.1]:1'];
    const found = parseCommandLine(given.flatMap((each) => ['--listen', each]));
    if (typeof found === 'string') throw new Error(found);
    expect(found.listen.map(({ family, text, port }) => [family, text, port])).toEqual([
      [2, '127.0.0.1', 69],
      [10, '::1', 6969],
      [10, '::', 0],
      [2, '10.0.0.1', 1],
    ]);
  });

  it.each(['69', ':69', 'localhost:69', '127.0.0.1', '127.0.0.1:', '::1:69', '[127.0.0.1]:69', '[::g]:69'])(
    'needs an address and a port: %s',
    (listen) => expect(() => parseCommandLine(['--listen', listen])).toThrow('expected ADDRESS:PORT'),
  );

  it.each(['1.2.3:69', '127.0.0.1:65536', '127.0.0.1:-1', ''])('nor is this one: %s', (listen) =>
    expect(() => parseCommandLine([`--listen=${listen}`])).toThrow('expected ADDRESS:PORT'),
  );

  it.each([
    [['--foo'], "Unknown option '--foo' (see --help)"],
    [['x'], "Unexpected argument 'x' (see --help)"],
    [['--config'], "Option '--config <value>' argument missing (see --help)"],
    [['--check=yes'], "Option '--check' does not take an argument (see --help)"],
  ])('is refused: %j', (args, message) => expect(() => parseCommandLine(args)).toThrow(message));
});
