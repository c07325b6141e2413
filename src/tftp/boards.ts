/** Whose tree a request leads to. A hardware address counts only as a part of the path: anybody can claim one. */
import { addressNumber } from '../system/client-list.ts';
import type { Component } from './request-path.ts';

/** A board as the worker knows it. */
export interface ServedBoard {
  readonly name: string;
  readonly addresses: readonly string[];
  /** Lower case. */
  readonly prefixes: readonly string[];
  /** Absolute, without symbolic links; undefined while there is none. */
  readonly tree: string | undefined;
  readonly isPublic: boolean;
  /** The uid of the account of that name, if there is one: it may read what the board asked for. */
  readonly reader?: number | undefined;
}

/** A place where the requested file may be. */
export interface Candidate {
  /** Empty for what is public. */
  readonly board: string;
  readonly tree: string;
  /** Beneath the tree. */
  readonly path: readonly Component[];
}

/** A request, as far as it is a board's. */
interface Asked {
  readonly board: ServedBoard;
  /** It names the board, but nothing else says that the board has made it. */
  readonly isStranger: boolean;
  /** In its tree, if it can be read. */
  readonly path: readonly Component[] | undefined;
}

/** PXELINUX and U-Boot put the type of the hardware in front, 01 for Ethernet: pxelinux.cfg/01-dc-a6-32-01-02-03 */
const ETHERNET = /^01-(?=[0-9a-f]{2}-)/i;

export class Boards {
  private readonly byAddress = new Map<bigint, ServedBoard>();
  private readonly byName = new Map<string, ServedBoard>();
  private readonly byHardware = new Map<string, ServedBoard>();
  private readonly publicTree: string | undefined;

  constructor(boards: readonly ServedBoard[], publicTree: string | undefined) {
    this.publicTree = publicTree;
    for (const board of boards) {
      this.byName.set(board.name, board);
      for (const address of board.addresses) this.byAddress.set(addressNumber(address) ?? 0n, board);
      for (const prefix of board.prefixes) this.byHardware.set(prefix, board);
    }
  }

  /** Where the file is looked for, in this order. */
  candidates(address: string, path: readonly Component[]): Candidate[] {
    const asking = this.asking(address, path);
    const named = this.byName.get(path[0] ?? '');
    const found = asking ? this.inTree(asking, path) : [];
    if (named?.isPublic && named !== asking) found.push(...this.inTree(named, path));
    if (this.publicTree !== undefined) found.push({ board: '', tree: this.publicTree, path });
    return found;
  }

  /** Whose request it is. @param path undefined for one that cannot be read */
  asked(address: string, path: readonly Component[] | undefined): Asked | undefined {
    const asking = this.asking(address, path ?? []);
    const board = asking ?? this.byName.get(path?.[0] ?? '');
    const isStranger = asking === undefined;
    return board && { board, isStranger, path: path && this.pathsIn(board, path).at(-1) };
  }

  private asking(address: string, path: readonly Component[]): ServedBoard | undefined {
    const own = this.byAddress.get(addressNumber(address) ?? 0n);
    // Who names its hardware has no address of its own yet.
    return own ?? this.hardware(path[0]) ?? this.pxelinux(path.at(-1));
  }

  private hardware(component = ''): ServedBoard | undefined {
    return this.byHardware.get(component.toLowerCase().replace(ETHERNET, ''));
  }

  private pxelinux(component = ''): ServedBoard | undefined {
    return ETHERNET.test(component) ? this.hardware(component) : undefined;
  }

  /** At the path itself, and without the board in front of it. */
  private inTree(board: ServedBoard, path: readonly Component[]): Candidate[] {
    const { name, tree } = board;
    if (tree === undefined) return [];
    return this.pathsIn(board, path).map((each) => ({ board: name, tree, path: each }));
  }

  private pathsIn(board: ServedBoard, path: readonly Component[]): (readonly Component[])[] {
    const [first = ''] = path;
    return first === board.name || this.hardware(first) === board ? [path, path.slice(1)] : [path];
  }
}
