/**
 * What a laboratory costs: `status`, `check` and `doctor` of 200 boards with 5 users each, 100 NFS servers that idle, and
 * get-config with a server that runs. `npm run bench lab [status|servers|get-config]`
 */
import { measureGetConfig } from './get-config.ts';
import { measureServers } from './servers.ts';
import { measureStatus } from './status.ts';

const PARTS: Readonly<Record<string, () => Promise<void>>> = {
  status: measureStatus,
  servers: measureServers,
  'get-config': measureGetConfig,
};

const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => !Object.hasOwn(PARTS, name));
if (unknown !== undefined) throw new Error(`${unknown}: there are ${Object.keys(PARTS).join(', ')}`);
for (const [name, measure] of Object.entries(PARTS)) {
  if (wanted.length === 0 || wanted.includes(name)) await measure();
}
