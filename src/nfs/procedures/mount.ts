/** The MOUNT protocol: version 3 (RFC 1813 §5) and version 1 (RFC 1094 appendix A). */

import { refuse } from '../../system/file-error.ts';
import type { RemoteProcedure } from '../rpc/program.ts';
import { array, fixedOpaque, list, nothing, opaque, struct, uint32, type Xdr } from '../wire/xdr.ts';
import type { Reader } from '../wire/xdr-reader.ts';
import type { Writer } from '../wire/xdr-writer.ts';
import { nullProcedure } from './null.ts';
import { byNumber, type Context } from './procedure.ts';
import { nfsstat3, statusName } from './status.ts';
import { nfs_fh3 } from './types.ts';

const MNTPATHLEN = 1024;
const MNTNAMLEN = 255;
/** RFC 1094 appendix A.3: FHSIZE. */
const FHSIZE = 32;
/** Most elements that a list is read with; a server only writes them. */
const MAX_LIST = 1024;

const dirpath = opaque(MNTPATHLEN);
const name = opaque(MNTNAMLEN);

/** RFC 1813 §5.1.5: the numbers are those of nfsstat3. */
const MNT3_OK = 0;
const MNT3ERR_SERVERFAULT = 10006;
const MOUNTSTAT3 = new Set([1, 2, 5, 13, 20, 22, 63, 10004, MNT3ERR_SERVERFAULT]);

/** RFC 5531 §8.2 */
const AUTH_NONE = 0;
const AUTH_SYS = 1;
/** Clients take the first that they know. */
const FLAVORS = [AUTH_SYS, AUTH_NONE];
const MAX_FLAVORS = 16;

type MountResult<Ok> = { readonly status: typeof MNT3_OK; readonly ok: Ok } | { readonly status: number };

function mountResult<Ok>(resok: Xdr<Ok>): Xdr<MountResult<Ok>> {
  return {
    read: (reader: Reader) => {
      const status = reader.uint32();
      return status === MNT3_OK ? { status, ok: resok.read(reader) } : { status };
    },
    write: (writer: Writer, result: MountResult<Ok>) => {
      writer.uint32(result.status);
      if ('ok' in result) resok.write(writer, result.ok);
    },
  };
}

/** @throws what is no errno error: bugs, and PutOff */
function mountstat3(error: unknown): number {
  const status = nfsstat3(error);
  return MOUNTSTAT3.has(status) ? status : MNT3ERR_SERVERFAULT;
}

/** As the RFC spells it. */
function mountstat3Name(status: number): string {
  return statusName(status).replace('NFS3ERR_', 'MNT3ERR_');
}

/** A name that reads as it was written, and does not exceed what it may be long. */
function text(string: string, max: number): Buffer {
  return Buffer.from(string).subarray(0, max);
}

/** RFC 1813 §5.2.1, and RFC 1094 appendix A.5.2: the versions differ in the answer only. */
function mnt<Ok>(
  resok: Xdr<Ok>,
  answer: (handle: Buffer) => Ok,
): RemoteProcedure<Buffer, Context, MountResult<Ok>> {
  return {
    name: 'MNT',
    once: false,
    args: dirpath,
    run: (directory, { vfs, client, mounts, gate, uses, boots }) => {
      if (gate.isShut) boots?.mount(client, directory, 'put-off');
      gate.pass();
      vfs.begin();
      try {
        const path = directory.toString();
        let mounted = vfs.directory(path);
        while (uses?.mount(client, mounted) === false) mounted = vfs.directory(path);
        const ok = answer(vfs.handleOf(mounted));
        mounts.add(client, path);
        boots?.mount(client, directory, 'MNT3_OK', mounted);
        return { status: MNT3_OK, ok };
      } catch (error) {
        const status = mountstat3(error);
        boots?.mount(client, directory, mountstat3Name(status));
        return { status };
      }
    },
    result: mountResult(resok),
    failureOf: ({ status }) => (status === MNT3_OK ? undefined : mountstat3Name(status)),
  };
}

const mountres3_ok = struct({ fhandle: nfs_fh3, auth_flavors: array(uint32, MAX_FLAVORS) });

/** RFC 1813 §5.2.1 */
export const mnt3 = mnt(mountres3_ok, (fhandle) => ({ fhandle, auth_flavors: FLAVORS }));

/** RFC 1094 appendix A.5.2 */
export const mnt1 = mnt(fixedOpaque(FHSIZE), (handle) => {
  if (handle.length > FHSIZE) refuse('ESERVERFAULT');
  return Buffer.concat([handle], FHSIZE);
});

const mountbody = struct({ ml_hostname: name, ml_directory: dirpath });
const mountlist = list(mountbody, MAX_LIST);

/** RFC 1813 §5.2.2 */
export const dump: RemoteProcedure<undefined, Context, ReturnType<(typeof mountlist)['read']>> = {
  name: 'DUMP',
  once: false,
  args: nothing,
  run: (_args, { mounts }) =>
    mounts.all().map(({ address, directory }) => ({
      ml_hostname: text(address, MNTNAMLEN),
      ml_directory: text(directory, MNTPATHLEN),
    })),
  result: mountlist,
};

/** RFC 1813 §5.2.3. While another user has the board, it is a client of theirs that says so. */
export const umnt: RemoteProcedure<Buffer, Context, undefined> = {
  name: 'UMNT',
  once: false,
  args: dirpath,
  run: (directory, { client, mounts, gate, uses }) => {
    if (gate.isShut) return undefined;
    mounts.remove(client, directory.toString());
    uses?.unmount(client);
    return undefined;
  },
  result: nothing,
};

/** RFC 1813 §5.2.4. As UMNT. */
export const umntall: RemoteProcedure<undefined, Context, undefined> = {
  name: 'UMNTALL',
  once: false,
  args: nothing,
  run: (_args, { client, mounts, gate, uses }) => {
    if (gate.isShut) return undefined;
    mounts.removeAll(client);
    uses?.unmountAll(client);
    return undefined;
  },
  result: nothing,
};

const exportnode = struct({ ex_dir: dirpath, ex_groups: list(name, MAX_LIST) });
const exports3 = list(exportnode, MAX_LIST);

/** RFC 1813 §5.2.5 */
export const exportProcedure: RemoteProcedure<undefined, Context, ReturnType<(typeof exports3)['read']>> = {
  name: 'EXPORT',
  once: false,
  args: nothing,
  run: (_args, { vfs, allowed }) => [
    { ex_dir: text(vfs.exportPath, MNTPATHLEN), ex_groups: allowed.map((group) => text(group, MNTNAMLEN)) },
  ],
  result: exports3,
};

const common = { 0: nullProcedure, 2: dump, 3: umnt, 4: umntall, 5: exportProcedure };

export const mountProgram = {
  program: 100005,
  versions: [
    { version: 1, procedures: byNumber({ ...common, 1: mnt1 }) },
    { version: 3, procedures: byNumber({ ...common, 1: mnt3 }) },
  ],
};
