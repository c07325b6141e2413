/** How each server is started: ours and the peers we know. */
import fs from 'node:fs';
import path from 'node:path';
import { startPortmapper } from './portmapper.ts';
import type { Program } from './server.ts';

const root = path.resolve(import.meta.dirname, '../..');

/** Where our server leaves its profile, since it can write nowhere else than in its export. */
export const PROFILES = '.profiles';

function builtEntry(): string {
  const bundle = path.join(root, 'dist/novaboot-nfsd.js');
  return fs.existsSync(bundle) ? bundle : path.join(root, 'bin/novaboot-nfsd.ts');
}

/** `nodeOptions`: given to Node. `options`: given to the server. */
export function ours(
  entry: string | undefined,
  nodeOptions: readonly string[],
  options: readonly string[],
  isProfiled: boolean,
): Program {
  const file = entry === undefined ? builtEntry() : path.resolve(entry);
  return {
    name: 'ours',
    kind: 'ours',
    sync: options.includes('--sync=yes')
      ? 'data at COMMIT and FILE_SYNC, names before the answer'
      : 'data at COMMIT and FILE_SYNC, names when the kernel does it',
    sharesPort: true,
    command: ({ exportPath, port }) => [
      process.execPath,
      ...nodeOptions,
      ...(isProfiled ? ['--cpu-prof', `--cpu-prof-dir=${path.join(exportPath, PROFILES)}`] : []),
      file,
      '--foreground',
      '--allow',
      '127.0.0.1',
      '--port',
      String(port),
      ...options,
      exportPath,
    ],
  };
}

const GANESHA_CONFIG = `NFS_CORE_PARAM {
  Bind_addr = 127.0.0.1;
  NFS_Port = @PORT@;
  MNT_Port = @MOUNT_PORT@;
  Protocols = 3;
  Enable_NLM = false;
  Enable_RQUOTA = false;
  Enable_UDP = false;
}
EXPORT {
  Export_Id = 1;
  Path = @EXPORT@;
  Pseudo = /export;
  Protocols = 3;
  Transports = TCP;
  Access_Type = RW;
  Squash = No_Root_Squash;
  SecType = sys;
  FSAL { Name = VFS; }
}
`;

/**
 * Debian's packages nfs-ganesha and nfs-ganesha-vfs; must run as root. It insists on a portmapper and on files in
 * /run, so it gets a /run of its own (in its mount namespace) with a stand-in.
 */
export async function ganesha(runDirectory: string): Promise<Program> {
  const portmapper = await startPortmapper(runDirectory);
  portmapper.unref();
  return {
    name: 'ganesha',
    kind: 'ganesha',
    sync: 'data at COMMIT and FILE_SYNC, names when the kernel does it (FSAL VFS)',
    sharesPort: false,
    command({ exportPath, directory, port, mountPort }) {
      const config = path.join(directory, 'ganesha.conf');
      fs.writeFileSync(
        config,
        GANESHA_CONFIG.replace('@PORT@', String(port))
          .replace('@MOUNT_PORT@', String(mountPort))
          .replace('@EXPORT@', exportPath),
      );
      const script = 'mount --bind "$0" /run && exec "$@"';
      const server = ['ganesha.nfsd', '-F', '-f', config, '-p', path.join(directory, 'pid')];
      const log = ['-L', path.join(directory, 'ganesha.log'), '-N', 'NIV_EVENT'];
      return ['unshare', '--mount', 'sh', '-c', script, runDirectory, ...server, ...log];
    },
  };
}

export function unfsd(file: string): Program {
  return {
    name: 'unfsd',
    kind: 'unfsd',
    sync: 'data at COMMIT and FILE_SYNC, names when the kernel does it',
    sharesPort: true,
    command({ exportPath, directory, port }) {
      const exports = path.join(directory, 'exports');
      fs.writeFileSync(exports, `${exportPath} 127.0.0.1(rw,no_root_squash)\n`);
      const ports = ['-n', String(port), '-m', String(port)];
      const pidFile = path.join(directory, 'pid');
      return [file, '-d', '-t', '-p', '-u', '-l', '127.0.0.1', ...ports, '-e', exports, '-i', pidFile];
    },
  };
}
