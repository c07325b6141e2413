/** Debian's snmpd, unpacked beneath node_modules, with outlets behind it (pdu.sh). */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findFreePort } from '../../src/shell/free-port.ts';

const PROGRAM = path.resolve('node_modules/.cache/novaboot-daemons/usr/sbin/snmpd');

export interface SnmpAgent {
  /** HOST:PORT */
  readonly host: string;
  /** The value of an object. */
  read(oid: string): string | undefined;
  /** Lines OID VALUE, and OID -> OID NEW VALUE. */
  write(lines: readonly string[]): void;
  /** What was set, in lines OID TYPE VALUE. */
  sets(): string[];
  stop(): Promise<void>;
}

const CONFIGURATION = `rocommunity public 127.0.0.1
rwcommunity private 127.0.0.1
rwcommunity "sec\\"ret#" 127.0.0.1
createUser admin SHA "authentic\\"phrase" AES "private#phrase"
createUser watcher MD5 watchword
rwuser admin priv
rwuser watcher auth
`;

/** Waits until it answers; a port that another one took meanwhile ends it. */
async function answers(child: ChildProcess, host: string): Promise<boolean> {
  for (let tries = 0; tries < 400 && child.exitCode === null; tries += 1) {
    try {
      const words = ['-v2c', '-c', 'public', '-t', '1', '-r', '0', host, '1.3.6.1.2.1.1.3.0'];
      execFileSync('snmpget', words, { stdio: 'ignore', env: { ...process.env, MIBS: '' } });
      return true;
    } catch {
      await sleep(50);
    }
  }
  return false;
}

export async function startSnmpAgent(): Promise<SnmpAgent> {
  if (!fs.existsSync(PROGRAM)) throw new Error('snmpd is missing: sh scripts/setup.sh test fetches it');
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'novaboot-snmpd.'));
  const objects = path.join(directory, 'objects');
  fs.writeFileSync(objects, '');
  const configuration = path.join(directory, 'snmpd.conf');
  const pass = `pass_persist .1.3.6.1.4.1 /bin/sh ${path.resolve('test/support/pdu.sh')} ${objects}\n`;
  fs.writeFileSync(configuration, CONFIGURATION + pass + pass.replace('4.1 ', '2.1.105 '));
  const host = `127.0.0.1:${await findFreePort(directory, new Set())}`;
  const child = spawn(
    PROGRAM,
    ['-f', '-Lf', path.join(directory, 'log'), '-C', '-c', configuration, `udp:${host}`],
    {
      stdio: 'ignore',
      env: { ...process.env, MIBS: '', SNMP_PERSISTENT_DIR: path.join(directory, 'state') },
    },
  );
  const stop = async () => {
    if (child.exitCode === null && child.kill('SIGKILL')) await once(child, 'exit');
    fs.rmSync(directory, { recursive: true, force: true });
  };
  if (!(await answers(child, host))) {
    await stop();
    throw new Error('snmpd does not answer');
  }
  return {
    host,
    read: (oid) =>
      new RegExp(`^\\.${oid.replaceAll('.', '\\.')} (\\S+)$`, 'm').exec(
        fs.readFileSync(objects, 'utf8'),
      )?.[1],
    write: (lines) => {
      fs.writeFileSync(objects, lines.map((line) => `${line.replaceAll(/(^|> )1\./g, '$1.1.')}\n`).join(''));
      fs.rmSync(`${objects}.sets`, { force: true });
    },
    // A SET is sent again where the answer is late.
    sets: () =>
      fs.existsSync(`${objects}.sets`)
        ? fs
            .readFileSync(`${objects}.sets`, 'utf8')
            .replaceAll(/^\./gm, '')
            .split('\n')
            .filter((line, index, lines) => line !== '' && line !== lines[index - 1])
        : [],
    stop,
  };
}
