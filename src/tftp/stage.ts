/** What this program is started for: by a user or the service manager as the supervisor, by that one as a worker. */

/** A worker first confines itself and then starts again, to serve. */
export interface Stage {
  readonly stage: 'confine' | 'serve';
  /** Process id. */
  readonly supervisor: number;
  /** How many sockets the worker has, from the third descriptor on. */
  readonly sockets: number;
}

const VARIABLE = 'NOVABOOT_TFTPD_STAGE';
const FIRST_SOCKET = 3;

/** The stage of a worker; undefined for the supervisor. */
export function takeStage(env: NodeJS.ProcessEnv): Stage | undefined {
  const text = env[VARIABLE];
  delete env[VARIABLE];
  return text === undefined ? undefined : (JSON.parse(text) as Stage);
}

export function stageVariable(stage: Stage): Record<string, string> {
  return { [VARIABLE]: JSON.stringify(stage) };
}

export function socketsOf({ sockets }: Stage): number[] {
  return Array.from({ length: sockets }, (_, index) => FIRST_SOCKET + index);
}

/** What a worker tells its supervisor, a line each on its standard output; JSON is what it has counted since the last. */
export const Said = {
  /** Requests are answered. */
  ready: 'ready',
  /** No more requests are. */
  stopped: 'stopped',
} as const;
