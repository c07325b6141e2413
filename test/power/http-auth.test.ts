import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { authorization } from '../../src/power/http-auth.ts';

const mufasa = { user: 'Mufasa', password: 'CircleOfLife' };

it('basic: the example of RFC 7617 §2', () => {
  const aladdin = { user: 'Aladdin', password: 'open sesame' };
  expect(authorization('Basic realm="WallyWorld"', aladdin, 'GET', '/')).toBe(
    'Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==',
  );
});

it('digest without qop: the example of RFC 2069 §2.4, as corrected, and one with SHA-256', () => {
  const nonce = 'dcd98b7102dd2f0e8b11d0f600bfb0c093';
  const challenge = `Digest realm="testrealm@host.com", nonce="${nonce}", opaque="5ccc069c403ebaf9f0171e9517f40e41"`;
  const header = authorization(challenge, mufasa, 'GET', '/dir/index.html');
  expect(header).toMatch(/^Digest username="Mufasa", realm="testrealm@host.com", /);
  expect(header).toContain('response="1949323746fe6a43ef61f9606e7febea"');
  expect(header).toContain('opaque="5ccc069c403ebaf9f0171e9517f40e41"');

  // What the tests of curl have.
  const tester = { user: 'testuser', password: 'testpass' };
  const modern = 'Digest realm="testrealm", nonce="1053604145", algorithm=SHA-256';
  expect(authorization(modern, tester, 'GET', '/2061')).toContain(
    'response="9dc55255f1a2537b838311674b621d45346b862a81631bb20e4ce356ef25062d"',
  );
});

it('digest with qop: the response of RFC 7616 §3.4.1 for the cnonce that it says', () => {
  const challenge = 'Digest realm="a \\"b\\"", qop="auth-int, auth", nonce="n", algorithm=SHA-256';
  const header = authorization(challenge, mufasa, 'GET', '/x?y=1') ?? '';
  expect(header).toContain('realm="a \\"b\\""');
  expect(header).toContain('qop=auth, nc=00000001, ');
  const [, cnonce = ''] = /cnonce="([\da-f]{32})"/.exec(header) ?? [];
  const hash = (text: string) => createHash('sha256').update(text).digest('hex');
  const secret = hash('Mufasa:a "b":CircleOfLife');
  const wanted = hash(`${secret}:n:00000001:${cnonce}:auth:${hash('GET:/x?y=1')}`);
  expect(header).toContain(`response="${wanted}"`);
});

it('takes the digest of several challenges, and none that it does not know', () => {
  const both = 'Basic realm="x", Digest realm="x", nonce="n"';
  expect(authorization(both, mufasa, 'GET', '/')).toMatch(/^Digest /);
  const odd = 'Digest realm="x", nonce="n", algorithm=MD4, Basic realm="x"';
  expect(authorization(odd, mufasa, 'GET', '/')).toMatch(/^Basic /);
  for (const challenge of [
    '',
    'Negotiate',
    'Digest',
    'Digest nonce="n"',
    'Digest realm="x", nonce="n", qop=auth-int',
  ]) {
    expect(authorization(challenge, mufasa, 'GET', '/')).toBeUndefined();
  }
});

it('is not slowed down by a hostile challenge', () => {
  const begin = performance.now();
  for (const part of ['a', '"', '\\', ' ', ',', 'a=', 'Digest ', 'a="\\"']) {
    authorization(`Digest ${part.repeat(16_000)}`, mufasa, 'GET', '/');
  }
  expect(performance.now() - begin).toBeLessThan(2000);
});
