/** What a removal refuses before anything is done. */
import { expect, it } from 'vitest';
import { planRemoval } from '../../src/admin/removal.ts';

it('leaves an account of a directory service to that', () => {
  const name = 'only-in-ldap';
  const ids = { uid: 200_001, gid: 200_001 };
  const account = { name, ...ids, gecos: '', home: '/nonexistent', shell: '/usr/bin/novaboot-shell' };
  expect(() => planRemoval(account)).toThrow(
    /^The account only-in-ldap is not in \/etc\/passwd; remove it, or give it another login shell, where it is kept$/,
  );
});
