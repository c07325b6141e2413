/**
 * Makes the Debian package: `npm run package -- [--version VERSION] [--arch amd64|arm64] [--compress fast|small]
 * [--output DIRECTORY]`. It needs dpkg-deb, and for the other architecture the network. What else is in dist/ is left alone.
 */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import packageJson from '../package.json' with { type: 'json' };
import { runningArchitecture } from './build/native.ts';
import { writeControl } from './package/control.ts';
import { sourceDate } from './package/source-date.ts';
import { writeTree } from './package/tree.ts';

/** Debian's names of the architectures. */
const ARCHITECTURES = { amd64: 'x64', arm64: 'arm64' } as const;

/** gzip takes three seconds, xz seven, and makes 15 MB less of it. */
const COMPRESSION = { fast: ['-Zgzip', '-z1'], small: ['-Zxz', '-z1'] } as const;

function chosen<T>(option: string, word: string, choices: Readonly<Record<string, T>>): T {
  const choice = Object.hasOwn(choices, word) ? choices[word] : undefined;
  if (choice === undefined)
    throw new Error(`--${option} ${word}: expected ${Object.keys(choices).join(' or ')}`);
  return choice;
}

async function makePackage(): Promise<void> {
  const { version, arch, compress, output } = parseArgs({
    options: {
      version: { type: 'string', default: packageJson.version },
      arch: { type: 'string', default: runningArchitecture() === 'x64' ? 'amd64' : 'arm64' },
      compress: { type: 'string', default: 'small' },
      output: { type: 'string', default: 'dist' },
    },
  }).values;
  if (!/^\d[\w.+~]*$/.test(version)) throw new Error(`--version ${version}: expected a version as in 1.2.3`);
  const architecture = chosen('arch', arch, ARCHITECTURES);
  const compression = chosen('compress', compress, COMPRESSION);
  const tree = fs.mkdtempSync(path.join(os.tmpdir(), 'novaboot-package-'));
  try {
    fs.chmodSync(tree, 0o755);
    await writeTree(tree, version, architecture);
    writeControl(tree, version, arch);
    fs.mkdirSync(output, { recursive: true });
    const file = path.join(output, `novaboot-server_${version}_${arch}.deb`);
    const unfinished = `${file}.${process.pid}`;
    const words = [...compression, '--root-owner-group', '--build', tree, unfinished];
    // No file in it is younger.
    const env = { ...process.env, SOURCE_DATE_EPOCH: String(sourceDate()) };
    execFileSync('dpkg-deb', words, { env, stdio: ['ignore', 'ignore', 'inherit'] });
    fs.renameSync(unfinished, file);
    console.log(file);
  } finally {
    fs.rmSync(tree, { recursive: true, force: true });
  }
}

process.umask(0o022);
makePackage().catch((error: Error) => {
  console.error(`package: ${error.message}`);
  process.exitCode = 1;
});
