/** ~/.novaboot-shell as add-board and apply write it: each variable explained, and what is wanted set. */
import { parsePlain } from '../shell/config.ts';
import { type BoardConfig, CONFIG_NAMES, type ConfigName } from './desired.ts';
import { writtenFile } from './written-file.ts';

interface Part {
  /** Comment lines; none for what goes with the variable before it. */
  readonly explanation: readonly string[];
  /** The lines that stand there, as comments, while nothing else is wanted. */
  readonly examples: readonly string[];
}

const PARTS: Readonly<Record<ConfigName, Part>> = {
  console: {
    explanation: [
      'The console, where no program is needed: a serial line, or a port of a console server. The account needs',
      'the group of a serial device: adduser ACCOUNT dialout',
    ],
    examples: [
      'console=serial:/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A10LX5Z2-if00-port0,115200n8',
      'console=tcp:consoles.lab:4001',
      'console=telnet:consoles.lab:2001',
      'console=rfc2217:consoles.lab:2001,115200n8',
    ],
  },
  console_cmd: {
    explanation: ['Or a program that connects to it. Counts before console.'],
    examples: ["console_cmd='sterm -s 115200 /dev/ttyUSB0'"],
  },
  console_log: {
    explanation: [
      'yes: log what console_cmd prints, for `console-log` and `why`. console= is always logged.',
    ],
    examples: ['console_log=yes'],
  },
  power: {
    explanation: [
      "What switches the board's power, where no program is needed. In single quotes. More kinds, and options:",
      'novaboot-shell.conf(5), Power.',
    ],
    examples: [
      "power='usbrelay:LY03X_1'",
      "power='http://plug.lab/cm?cmnd=Power1'",
      "power='http://plug.lab/relay/0'",
      "power='snmp:apc 192.0.2.5 3 community=private'",
      "power='usbhub:1-1.4:2'",
      "power='gpio:gpiochip0:17'",
    ],
  },
  on_cmd: {
    explanation: [
      'Or programs that do. Each counts before power. With power or on_cmd the board is switched on before a console.',
    ],
    examples: ["on_cmd='usbrelay LY03X_1=1'"],
  },
  off_cmd: { explanation: [], examples: ["off_cmd='usbrelay LY03X_1=0'"] },
  reset_cmd: {
    explanation: [
      'Resets the board. Where it is not set, a reset is off and on again, reset_delay seconds later.',
    ],
    examples: ["reset_cmd='usbrelay LY03X_2=1; sleep 0.1; usbrelay LY03X_2=0'"],
  },
  reset_delay: { explanation: [], examples: ['reset_delay=2'] },
  default_cmd: {
    explanation: [
      'What runs instead of the console if the user gives no command. run_novaboot runs the novaboot client here.',
    ],
    examples: ["default_cmd='run_novaboot ./default_boot --interactive'"],
  },
  tftp_journal: {
    explanation: [
      'Where `why` finds what the board asked the TFTP server for, if its section there has another name.',
    ],
    examples: ['tftp_journal=/var/lib/novaboot-tftpd/NAME.journal'],
  },
  target_config: {
    explanation: [
      'What the novaboot client has to know of the board: its options, one a line, nothing quoted.',
    ],
    examples: [
      'target_config="\\',
      '--uboot=(uboot)',
      '--uboot-init=setenv serverip 192.168.1.1; setenv ipaddr 192.168.1.10',
      '--uboot-addr=kernel=0x81000000',
      '--uboot-addr=fdt=0x83000000',
      '--uboot-addr=ramdisk=0x83100000',
      '"',
    ],
  },
};

/** A word for sh(1), in a form that parsePlain() reads wherever there is one. */
function quoted(value: string): string {
  if (/^[A-Za-z0-9_.,:/@%+=-]+$/.test(value)) return value;
  if (!value.includes("'")) return `'${value}'`;
  if (!/["\\$`]/.test(value)) return `"${value}"`;
  return `'${value.replaceAll("'", "'\\''")}'`;
}

function linesOf(name: ConfigName, value: string | undefined): string[] {
  const { explanation, examples } = PARTS[name];
  const heading = explanation.length === 0 ? [] : ['', ...explanation.map((line) => `# ${line}`)];
  return [
    ...heading,
    ...(value === undefined ? examples.map((line) => `#${line}`) : [`${name}=${quoted(value)}`]),
  ];
}

/** The whole file. */
export function configFile(config: BoardConfig): string {
  const top = [
    '# The configuration of this board: see novaboot-shell.conf(5). The syntax is that of sh(1); plain assignments are',
    '# read the fastest. A variable may name a function that this file defines, and use $NB_USER, the user.',
  ];
  const lines = CONFIG_NAMES.flatMap((name) => linesOf(name, config[name]));
  return writtenFile([...top, ...lines, ''].join('\n'));
}

/** Whether the file sets these variables so, and no other ones; not known, so no, where it needs a shell. */
export function hasConfig(text: string, config: BoardConfig): boolean {
  const values = parsePlain(text);
  return values !== undefined && CONFIG_NAMES.every((name) => values.get(name) === config[name]);
}
