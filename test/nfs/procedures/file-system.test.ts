/** FSSTAT, FSINFO and PATHCONF. */
import fs from 'node:fs';
import { expect, it } from 'vitest';
import { fsinfo } from '../../../src/nfs/procedures/fsinfo.ts';
import { fsstat } from '../../../src/nfs/procedures/fsstat.ts';
import { pathconf } from '../../../src/nfs/procedures/pathconf.ts';
import { localExport } from './local-export.ts';

const NO_HANDLE = Buffer.from('no handle');

it('FSSTAT tells the size of the file system', async () => {
  const { nfs, root, path: directory } = await localExport();
  const { bsize, blocks, files } = fs.statfsSync(directory);
  const told = await nfs.ok(fsstat, { fsroot: root });
  expect(told).toMatchObject({ tbytes: bsize * blocks, tfiles: files, invarsec: 0 });
  expect(told.abytes).toBeLessThanOrEqual(told.fbytes);
  expect(told.fbytes).toBeLessThanOrEqual(told.tbytes);
  expect(told.obj_attributes?.type).toBe(2);
  expect(await nfs.status(fsstat, { fsroot: NO_HANDLE })).toBe('NFS3ERR_BADHANDLE');
});

it.each([
  ['tcp', 1_048_576, 65_536],
  ['udp', 32_768, 32_768],
] as const)('FSINFO tells what one call carries over %s', async (transport, data, listing) => {
  const { nfs, root } = await localExport({ transport });
  const told = await nfs.ok(fsinfo, { fsroot: root });
  expect(told).toMatchObject({
    ...{ rtmax: data, rtpref: data, rtmult: 4096, wtmax: data, wtpref: data, wtmult: 4096 },
    dtpref: listing,
    maxfilesize: 0x7fff_ffff_ffff_ffffn,
    time_delta: { seconds: 0, nanoseconds: 1 },
    properties: 0x1b,
  });
  expect(told.obj_attributes?.type).toBe(2);
  expect(await nfs.status(fsinfo, { fsroot: NO_HANDLE })).toBe('NFS3ERR_BADHANDLE');
});

it('PATHCONF tells how names are treated', async () => {
  const { nfs, root } = await localExport();
  const told = await nfs.ok(pathconf, { object: root });
  expect(told).toMatchObject({
    ...{ name_max: 255, no_trunc: true, chown_restricted: true },
    ...{ case_insensitive: false, case_preserving: true },
  });
  expect(told.linkmax).toBeGreaterThan(1000);
  expect(await nfs.status(pathconf, { object: NO_HANDLE })).toBe('NFS3ERR_BADHANDLE');
});
