import { expect, it } from 'vitest';
import { Nfsstat3, nfsstat3, statusName } from '../../../src/nfs/procedures/status.ts';
import { PutOff } from '../../../src/nfs/put-off.ts';

function withCode(code: string): Error {
  return Object.assign(new Error(code), { code });
}

it.each([
  ['EPERM', 1],
  ['ENOENT', 2],
  ['EIO', 5],
  ['ENXIO', 6],
  ['EACCES', 13],
  ['EEXIST', 17],
  ['EXDEV', 18],
  ['ENODEV', 19],
  ['ENOTDIR', 20],
  ['EISDIR', 21],
  ['EINVAL', 22],
  ['EFBIG', 27],
  ['ENOSPC', 28],
  ['EROFS', 30],
  ['EMLINK', 31],
  ['ENAMETOOLONG', 63],
  ['ENOTEMPTY', 66],
  ['EDQUOT', 69],
  ['ESTALE', 70],
  ['EBADHANDLE', 10001],
  ['ENOTSYNC', 10002],
  ['EBADCOOKIE', 10003],
  ['ENOTSUPP', 10004],
  ['ETOOSMALL', 10005],
  ['ESERVERFAULT', 10006],
  ['EBADTYPE', 10007],
  ['EJUKEBOX', 10008],
  ['EAGAIN', 10008],
  ['ENOMEM', 10008],
  ['EMFILE', 10008],
  ['ENFILE', 10008],
  ['ELOOP', 22],
])('%s is %i', (code, number) => {
  expect(nfsstat3(withCode(code))).toBe(number);
});

it('names each status', () => {
  for (const [name, number] of Object.entries(Nfsstat3)) expect(statusName(number)).toBe(name);
});

it('throws on what is no errno', () => {
  const bugs = [new TypeError('a bug'), new PutOff(Promise.resolve()), withCode('ERR_INVALID_ARG_TYPE')];
  for (const bug of bugs) expect(() => nfsstat3(bug)).toThrow(bug);
});
