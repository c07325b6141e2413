/** NOVABOOT_ID: how a session names itself to the others. */
import dns from 'node:dns';

/** A name server that does not answer must not keep a user from the board. */
const LOOKUP_MS = 500;

/** The host name of an address from the system's own look-up (getnameinfo(3)), else the address. */
async function hostName(address: string): Promise<string> {
  const lookup = dns.promises.lookupService(address, 0).then(({ hostname }) => hostname);
  const timeout = new Promise<string>((resolve) => setTimeout(resolve, LOOKUP_MS, address).unref());
  const name = await Promise.race([lookup.catch(() => address), timeout]);
  return /^[A-Za-z0-9_.:%-]{1,253}$/.test(name) ? name : address;
}

/** Local time as YYYY-MM-DD_HH:MM:SS. */
function localTime(date: Date): string {
  const two = (number: number) => String(number).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day}_${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** "USER DATE FROM", as sessions of the original write it too. */
export async function novabootId(
  user: string | undefined,
  sshConnection: string | undefined,
): Promise<string> {
  const address = sshConnection?.split(' ')[0];
  const from = address && /^[0-9A-Fa-f.:%a-z]{2,64}$/.test(address) ? await hostName(address) : 'localhost';
  return `${user ?? '?'} ${localTime(new Date())} ${from}`;
}
