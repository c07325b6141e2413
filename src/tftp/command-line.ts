/** The command line of novaboot-tftpd. */
import { parseArgs } from 'node:util';
import ipaddr from 'ipaddr.js';
import packageJson from '../../package.json' with { type: 'json' };
import { SocketAddress } from '../system/socket-address.ts';
import { ExitCode, StartError } from '../system/start-error.ts';
import { CONFIG } from './config-files.ts';

const USAGE = `usage: novaboot-tftpd [OPTION]...

Serves the boot files of boards by TFTP, read-only.

  --config FILE           the table of boards (default: ${CONFIG}), and with it
                          FILE.d/*.conf; read again when it changes, and on SIGHUP
  --listen ADDRESS:PORT   where requests are answered, as in 127.0.0.1:6969 or
                          [::1]:6969; port 0 is any free one; repeatable
                          (default: the sockets of the service manager, else
                          [::]:69, which is IPv6 and IPv4)
  --check                 only say what is wrong in the configuration
  --help                  this text
  --version               the version

Exit status: 0 ended by a signal, or --check found nothing, 1 failed, 64 wrong
usage, 70 a bug, 78 wrong configuration.
`;

export interface CommandLine {
  readonly config: string;
  /** None: see --help. */
  readonly listen: readonly SocketAddress[];
  readonly check: boolean;
}

function parseListen(text: string): SocketAddress {
  const [, ipv6 = '', ipv4 = '', port = ''] = /^(?:\[(.*)\]|(.*)):(\d{1,5})$/.exec(text) ?? [];
  const address = ipaddr.IPv4.isValidFourPartDecimal(ipv4) || ipaddr.IPv6.isValid(ipv6) ? ipv4 || ipv6 : '';
  if (address === '' || Number(port) > 65535) {
    throw new StartError('--listen: expected ADDRESS:PORT or [ADDRESS]:PORT (see --help)', ExitCode.usage);
  }
  return SocketAddress.of(Buffer.from(ipaddr.parse(address).toByteArray()), Number(port));
}

/**
 * @returns what is asked for, or the text that --help or --version prints
 * @throws StartError (64)
 */
export function parseCommandLine(args: readonly string[]): CommandLine | string {
  let values: ReturnType<typeof parse>['values'];
  try {
    ({ values } = parse(args));
  } catch (error) {
    // Node adds a sentence on how to write positional arguments.
    const [message = ''] = (error as Error).message.split(/\. |\n/);
    throw new StartError(`${message} (see --help)`, ExitCode.usage, { cause: error });
  }
  if (values.help) return USAGE;
  if (values.version) return `novaboot-tftpd ${packageJson.version}\n`;
  return { config: values.config, listen: values.listen.map(parseListen), check: values.check };
}

function parse(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    options: {
      config: { type: 'string', default: CONFIG },
      listen: { type: 'string', multiple: true, default: [] },
      check: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      version: { type: 'boolean', default: false },
    },
  });
}
