/** snmpget(1) and snmpset(1) of Net-SNMP. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { CommandError } from '../shell/errors.ts';
import { memoryFile } from '../system/memory-file.ts';
import { shown, UnreachableError } from './errors.ts';
import { runTool } from './tool.ts';

export interface Agent {
  /** As snmpcmd(1) has it: udp:HOST:PORT. */
  readonly peer: string;
  /** How messages name it. */
  readonly host: string;
  /** For the tools. */
  environment(): Readonly<Record<string, string>>;
}

/** A second for an answer, and two more tries: 3 s. */
const PATIENCE = ['-t', '1', '-r', '2'];

/**
 * What the tools are given besides their arguments: no MIBs, nothing to keep, and who we are. That is in a directory with
 * a link to our memory, so that no secret is left behind whatever ends us.
 */
function prepare(access: string | undefined): Record<string, string> {
  const env = { MIBS: '', SNMP_PERSISTENT_DIR: '/dev/null' };
  if (access === undefined) return env;
  const places = [process.env.XDG_RUNTIME_DIR ?? '', os.tmpdir()];
  const place = places.find((candidate) => fs.existsSync(candidate)) ?? '/';
  const directory = fs.mkdtempSync(path.join(place, 'novaboot-snmp.'));
  process.once('exit', () => fs.rmSync(directory, { recursive: true, force: true }));
  const memory = `/proc/${process.pid}/fd/${memoryFile('snmp.conf', `${access}\n`)}`;
  fs.symlinkSync(memory, path.join(directory, 'snmp.conf'));
  return { ...env, SNMPCONFPATH: directory };
}

/** @param access the contents of snmp.conf(5), if it is not the account's own */
export function snmpAgent(peer: string, host: string, access: string | undefined): Agent {
  let env: Record<string, string> | undefined;
  return {
    peer,
    host,
    environment() {
      env ??= prepare(access);
      return env;
    },
  };
}

/** What a tool says of a failure, in our words. */
function failure({ host }: Agent, oid: string, text: string): CommandError {
  const reason = /^Reason: (.*)$/m.exec(text)?.[1] ?? text;
  if (/^Timeout|: Timeout/m.test(text)) {
    return new UnreachableError(
      `${host} does not answer SNMP; is it reachable, and are community= or user= in power= right?`,
    );
  }
  if (/Unknown host/i.test(text)) {
    return new UnreachableError(`the name ${host} is not known; is the address in power= right?`);
  }
  if (/authenticat|unknown user|decrypt|security (level|name)|authorizationError|passphrase/i.test(text)) {
    return new CommandError(`${host} refuses access (${shown(reason)}); are user=, auth= and priv= right?`);
  }
  if (/noAccess|notWritable|readOnly/.test(text)) {
    return new CommandError(`${host} lets us read only (${shown(reason)}); is it the community for writing?`);
  }
  if (/noSuch|No Such/.test(text)) {
    return new CommandError(`${host} has no object ${oid}; are the kind of device and the outlet right?`);
  }
  return new CommandError(`${host}: ${shown(reason) || 'SNMP failed without a reason'}; try snmpget by hand`);
}

async function run(
  tool: string,
  agent: Agent,
  words: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  const options = { signal, package: 'snmp', env: agent.environment() };
  const { status, stdout, stderr } = await runTool(
    tool,
    [...PATIENCE, '-Oqve', agent.peer, ...words],
    options,
  );
  // What is not there is an answer like others, with status 0, since SNMPv2.
  if (status !== 0 || /^No Such/.test(stdout)) throw failure(agent, words[0] ?? '', `${stderr}${stdout}`);
  return stdout.trim();
}

/** @returns the value of an INTEGER @throws CommandError */
export async function snmpGet(agent: Agent, oid: string, signal: AbortSignal): Promise<number> {
  const text = await run('snmpget', agent, [oid], signal);
  if (/^-?\d{1,10}$/.test(text)) return Number(text);
  throw new CommandError(`${agent.host} answers "${shown(text)}" for ${oid}; is the kind of device right?`);
}

/** Sets an INTEGER. @throws CommandError */
export async function snmpSet(agent: Agent, oid: string, value: number, signal: AbortSignal): Promise<void> {
  await run('snmpset', agent, [oid, 'i', String(value)], signal);
}
