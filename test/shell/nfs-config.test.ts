import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CommandError } from '../../src/shell/errors.ts';
import { parseNfsConfig } from '../../src/shell/nfs-config.ts';

const parse = (text: string) => parseNfsConfig('.novaboot-nfs', text);

describe('.novaboot-nfs', () => {
  it('reads NAME=VALUE lines, comments and empty lines', () => {
    const text =
      '# NFS\n\nallowed_clients=172.17.0.0/24, ::1\nserver_addr=10.0.0.1\nmount_options=rsize=1048576,nolock\n';
    expect(parse(text)).toEqual({
      allowed_clients: ['172.17.0.0/24', '::1'],
      server_addr: '10.0.0.1',
      mount_options: 'rsize=1048576,nolock',
    });
    expect(parse('')).toEqual({});
  });

  it.each([
    '10.0.0.1',
    '172.17.0.0/24',
    '192.168.0.0/255.255.255.0',
    '::1',
    '::/0',
    'fe80::/64',
    'board.example.org',
    'board',
  ])('takes the client %j', (client) =>
    expect(parse(`allowed_clients=${client}`).allowed_clients).toEqual([client]),
  );

  it.each([
    '',
    ',',
    '10.0.0.256',
    '10.0.0',
    '10.0.0.0/33',
    '::/129',
    '10.0.0.0/255.0.255.0',
    '::/255.0.0.0',
    'a b/24',
    '10.0.0.0/24/8',
    '-x',
    'a..b',
  ])('refuses the clients %j', (clients) =>
    expect(() => parse(`# first\nallowed_clients=${clients}`)).toThrow(
      /^\.novaboot-nfs:2: allowed_clients: expected an address/,
    ),
  );

  it('reads switches', () => {
    expect(parse('secure=yes\nsync=no')).toEqual({ secure: 'yes', sync: 'no' });
  });

  it('reads a quota', () => {
    expect(parse('quota=20G\nmax_files=500000')).toEqual({ quota: 20 * 1024 ** 3, max_files: 500_000 });
    expect(parse('quota=0')).toEqual({ quota: 0 });
    expect(() => parse('quota=20GB')).toThrow('.novaboot-nfs:1: quota: expected a number of bytes, or of K');
    expect(() => parse('max_files=1K')).toThrow('.novaboot-nfs:1: max_files: expected a number of files');
  });

  it('names file, line and what is expected', () => {
    expect(() => parse('\nnonsense')).toThrow('.novaboot-nfs:2: expected NAME=VALUE instead of "nonsense"');
    expect(() => parse('alowed_clients=::1')).toThrow(
      '.novaboot-nfs:1: alowed_clients: unknown setting, known are',
    );
    expect(() => parse('mount_options=a b')).toThrow(
      '.novaboot-nfs:1: mount_options: expected mount options',
    );
    expect(() => parse('sync=on')).toThrow('.novaboot-nfs:1: sync: expected yes or no');
    expect(() => parse('server_addr=10.0.0.0/8')).toThrow(
      '.novaboot-nfs:1: server_addr: expected the address',
    );
  });

  it('answers any text with settings or a CommandError of one line', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        try {
          parse(`allowed_clients=${text}\n${text}`);
        } catch (error) {
          expect(error).toBeInstanceOf(CommandError);
          expect((error as Error).message).toMatch(/^\.novaboot-nfs:\d+: /);
        }
      }),
    );
  });
});
