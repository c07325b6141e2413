/** What a board is to be like: what add-board's options say, and the lab file. */
import type { PublicKey } from '../shell/authorized-keys.ts';

/** Variables of ~/.novaboot-shell (novaboot-shell.conf(5)), in the order of the template. */
export const CONFIG_NAMES = [
  'console',
  'console_cmd',
  'console_log',
  'power',
  'on_cmd',
  'off_cmd',
  'reset_cmd',
  'reset_delay',
  'default_cmd',
  'tftp_journal',
  'target_config',
] as const;

export type ConfigName = (typeof CONFIG_NAMES)[number];
export type BoardConfig = Readonly<Partial<Record<ConfigName, string>>>;

/** Settings of ~/.novaboot-nfs, in the order of the file. */
export const NFS_NAMES = [
  'allowed_clients',
  'server_addr',
  'mount_options',
  'quota',
  'max_files',
  'secure',
  'sync',
] as const;

export type NfsName = (typeof NFS_NAMES)[number];
export type NfsSettings = Readonly<Partial<Record<NfsName, string>>> & { readonly allowed_clients: string };

/** How the board makes itself known to the TFTP server (novaboot-tftpd.conf(5)). */
export interface Identities {
  readonly addresses: readonly string[];
  readonly macs: readonly string[];
  readonly serials: readonly string[];
}

export interface DesiredUser {
  readonly name: string;
  readonly admin: boolean;
  readonly keys: readonly PublicKey[];
}

/** What is undefined is left as it is. */
export interface DesiredBoard {
  /** Of the account. */
  readonly name: string;
  /** What a new account gets. */
  readonly account?: {
    readonly home?: string;
    readonly uid?: number;
    /** Of the uid that is chosen. */
    readonly firstUid?: number;
    readonly lastUid?: number;
    readonly gecos?: string;
    /** The primary group instead of novaboot. */
    readonly group?: string;
  };
  readonly config?: BoardConfig;
  readonly nfs?: NfsSettings;
  readonly identities?: Identities;
  /** Whether the board is switched off some time after its last session. */
  readonly powerOff?: boolean;
  readonly users?: readonly DesiredUser[];
}
