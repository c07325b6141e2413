/** Whether somebody can log in on the board's console. */
import type { StoredTree } from '../../rootfs/stored-tree.ts';
import { inOrder, type Said } from '../finding.ts';
import { about, type RootCheck, type RootContext } from './context.ts';
import { hasSystemd, hasUnit, wantedBy } from './services.ts';

/** The line that is recorded, and no screen: the last that the kernel was told is its /dev/console. */
function consoleOf({ commandLine = '' }: RootContext): string | undefined {
  const told = [...commandLine.matchAll(/(?:^| )console=([A-Za-z]{2,10}\d{0,3})(?=[, ]|$)/g)].map(
    ([, name]) => name,
  );
  return told.findLast((name) => !/^tty\d*$/.test(name ?? '')) ?? told.at(-1);
}

interface Login {
  readonly terminal: string;
  readonly process: string;
}

/** What asks for a login or starts a shell in /etc/inittab: busybox's (TTY::respawn:...), sysvinit's (ID:2345:respawn:...), and OpenWrt's (::askconsole:...). */
function inittabLogins(tree: StoredTree): Login[] {
  const lines = (tree.text('etc/inittab') ?? '')
    .split('\n')
    .filter((line) => !line.trimStart().startsWith('#'));
  return lines.flatMap((line) => {
    const [first = '', , action = '', ...rest] = line.split(':').map((part) => part.trim());
    const process = rest.join(':');
    if (!/^(respawn|respawnlate|askfirst|askconsole|askconsolelate|once)$/.test(action)) return [];
    if (!/getty|\b\w*sh\b|login/.test(process)) return [];
    // Yocto's ttyrun sees whether the terminal is there.
    const words = process.replace(/\b(\w*getty|ttyrun)\b/g, '');
    const named = /\b(console|(?:tty|hvc|xvc)\w*)\b/.exec(words)?.[1];
    return [{ terminal: named ?? (first || 'console'), process }];
  });
}

const UNITS = ['etc', 'usr/lib', 'lib'].map(
  (directory) => `${directory}/systemd/system/serial-getty@.service`,
);

/** systemd-getty-generator(8) starts one on the kernel's console. */
function systemdFindings(context: RootContext): Said[] {
  const { tree, commandLine = '' } = context;
  const { warning } = about(context);
  const why = 'The boot works, but nobody can log in on the console.';
  const has = (name: string) => ['usr/', ''].some((prefix) => tree.exists(`${prefix}${name}`));
  const terminal = consoleOf(context);
  const instance = terminal === undefined ? undefined : `serial-getty@${terminal}.service`;
  const wanted = [...wantedBy(tree, 'getty.target'), ...wantedBy(tree, 'multi-user.target')];
  // On /dev/console, whatever that is.
  if (wanted.includes('console-getty.service')) return [];
  if (instance !== undefined && tree.target(`etc/systemd/system/${instance}`) === '/dev/null') {
    return [
      warning(`${instance} is masked`, why, `Unmask it: rm /etc/systemd/system/${instance} in the root.`),
    ];
  }
  if (!hasUnit(tree, 'serial-getty@.service')) {
    return [warning('serial-getty@.service is missing or masked', why, 'Install or unmask it.')];
  }
  // Buildroot's may have busybox's getty instead.
  const isAgetty = UNITS.some((name) => /^ExecStart=.*agetty/m.test(tree.text(name) ?? ''));
  if (isAgetty && !has('sbin/agetty'))
    return [warning('agetty is missing', why, 'Install the package that has it (util-linux, or agetty).')];
  if (
    !has('lib/systemd/system-generators/systemd-getty-generator') ||
    /systemd\.getty_auto=(0|no|false|off)/.test(commandLine)
  ) {
    const isEnough = (unit: string) =>
      instance === undefined ? unit.startsWith('serial-getty@') : unit === instance;
    if (wanted.some(isEnough)) return [];
    return [
      warning(
        'Nothing starts a login on the serial console',
        why,
        `Enable it: systemctl enable ${instance ?? 'serial-getty@TTY.service'}.`,
      ),
    ];
  }
  return [];
}

function inittabFindings(context: RootContext): Said[] {
  const { tree } = context;
  const { warning } = about(context, 'etc/inittab');
  const why = 'The boot works, but nobody can log in on the console.';
  const terminals = inittabLogins(tree).map(({ terminal }) => terminal);
  const wanted = consoleOf(context);
  // busybox's init has a shell on the console where there is no such file.
  if (!tree.exists('etc/inittab') || terminals.includes('console')) return [];
  const line = `${wanted ?? 'TTY'}::respawn:/sbin/getty -L ${wanted ?? 'TTY'} 115200 vt100 (busybox), or T0:2345:respawn:/sbin/getty -L ${wanted ?? 'TTY'} 115200 vt100 (sysvinit)`;
  const isSerial = terminals.some((name) => !/^tty\d*$/.test(name));
  if (wanted === undefined ? isSerial : terminals.includes(wanted)) return [];
  const there = terminals.length === 0 ? 'nowhere' : `on ${terminals.slice(0, 10).join(', ')} only`;
  const what =
    wanted === undefined
      ? `A login is started ${there}: not on a serial line`
      : `The console is ${wanted}, but a login is started ${there}`;
  return [warning(what, why, `Add a line: ${line}.`)];
}

/** Busybox's login. That of PAM lets root in on the kernel's console, listed or not: pam_securetty(8). */
function secureFindings(context: RootContext): Said[] {
  const { tree } = context;
  const text = tree.text('etc/securetty');
  const wanted = consoleOf(context);
  if (text === undefined || wanted === undefined || tree.exists('etc/pam.d/login')) return [];
  const listed = text.split(/\s+/);
  const isConsole = inittabLogins(tree).some(({ terminal }) => terminal === 'console');
  if (listed.includes(wanted) || (isConsole && listed.includes('console'))) return [];
  const fix = `Add a line ${wanted} to /etc/securetty, or remove the file.`;
  return [
    about(context, 'etc/securetty').warning(
      `It does not list ${wanted}`,
      'root may not log in on the console.',
      fix,
    ),
  ];
}

/** Whether somebody is let in without being asked. */
function isOpen(tree: StoredTree): boolean {
  const unit = 'etc/systemd/system/serial-getty@';
  const changes = tree
    .names('etc/systemd/system')
    .filter((name) => /^serial-getty@.*\.service\.d$/.test(name));
  const files = changes.flatMap((name) =>
    tree.names(`etc/systemd/system/${name}`).map((file) => `etc/systemd/system/${name}/${file}`),
  );
  return (
    inittabLogins(tree).some(({ process }) => !/getty/.test(process) || /autologin| -n\b/.test(process)) ||
    [`${unit}.service`, ...files.slice(0, 20)].some((name) =>
      /^ExecStart=.*autologin/m.test(tree.text(name) ?? ''),
    )
  );
}

/** Whether anybody has a password, or needs none: shadow(5). */
function passwordFindings(context: RootContext): Said[] {
  const lines = (context.tree.text('etc/shadow') ?? '').split('\n').filter((line) => line.includes(':'));
  const canLogIn = lines.some(
    (line) => !/^[!*]/.test(line.split(':')[1] ?? '') && line.split(':')[1] !== 'x',
  );
  if (lines.length === 0 || canLogIn || isOpen(context.tree)) return [];
  const fix =
    "Set one before you upload: chroot ROOT passwd root; or an empty one for a lab: sed -i 's/^root:[^:]*/root:/' etc/shadow.";
  return [
    about(context, 'etc/shadow').warning(
      'No account has a password',
      'Nobody can log in on the console; ssh works with keys only.',
      fix,
    ),
  ];
}

export const login: RootCheck = {
  name: 'login',
  run(context) {
    const gettys = hasSystemd(context.tree) ? systemdFindings(context) : inittabFindings(context);
    const findings = [...gettys, ...secureFindings(context), ...passwordFindings(context)];
    if (findings.length > 0) return findings;
    const wanted = consoleOf(context);
    return [
      inOrder(
        context.subject,
        `There is a login on ${wanted === undefined ? 'a console' : `the console ${wanted}`}`,
      ),
    ];
  },
};
