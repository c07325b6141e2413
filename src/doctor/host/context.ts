/** What the checks of the host have: they run as root. */

/** An account that is a board. */
export interface BoardAccount {
  readonly name: string;
  readonly uid: number;
  readonly home: string;
  readonly shell: string;
}

export interface HostBoard extends BoardAccount {
  /** Where ~/tftproot leads; undefined where it leads nowhere. */
  readonly uploads: string | undefined;
  /** Whether anything is there. */
  readonly hasFiles: boolean;
}

export interface HostContext {
  /** Boards of this installation. */
  readonly boards: readonly HostBoard[];
  /** Boards of another installation, or of the original. */
  readonly others: readonly Pick<BoardAccount, 'name' | 'shell'>[];
  /** Accounts with a login shell of boards that cannot be boards; `why` is what the account is or has. */
  readonly unsound: readonly { readonly name: string; readonly why: string }[];
}
