/** The workloads, each with its targets. TCP on loopback, page cache warm. */
import type { Actor } from './engine.ts';
import {
  access,
  commit,
  create,
  FILE_SYNC,
  getattr,
  lookup,
  read,
  readdir,
  readdirplus,
  remove,
  rename,
  setattr,
  unstable,
  write,
  writeNew,
} from './operations.ts';
import type { Session } from './session.ts';
import { FILE_SIZE, FILES, LARGE_SIZE } from './tree.ts';
import { atLeast, atMost, type Phase, type Workload } from './workload.ts';

const MEBIBYTE = 1 << 20;

const onDirectory = (actor: Actor, session: Session) => actor.handle.set(session.directory);
const onLarge = (actor: Actor, session: Session) => actor.handle.set(session.large);
const onScratch = (actor: Actor, session: Session) => actor.handle.set(session.scratch);
const onFile = (actor: Actor, session: Session) => actor.handle.set(session.file(actor.item));

const lookupGetattr: Phase = { items: FILES, steps: [lookup, access, getattr] };
const lookupRead: Phase = { items: FILES, steps: [lookup, access, read(FILE_SIZE, 1)] };
const oneAtATime = [atLeast.rate('every', 1.1, 1.35), atMost.cpu('every', 0.9, 0.65)];
const manyAtOnce = [atLeast.rate('every', 4), atMost.cpu('every', 0.25)];

const NEW_FILES = 5000;
const createFiles: Phase = { items: NEW_FILES, steps: [create], inFlight: 32 };
const unpack = [create, writeNew, setattr, commit];

export const WORKLOADS: readonly Workload[] = [
  {
    name: 'getattr-1',
    title: 'GETATTR, one at a time',
    connections: 1,
    inFlight: 1,
    phases: [{ items: 20_000, steps: [getattr], start: onDirectory }],
    targets: [atLeast.rate('every', 1.1, 1.25), atMost.cpu('every', 0.9, 0.75)],
  },
  {
    name: 'lookup-getattr-1',
    title: 'LOOKUP+ACCESS+GETATTR, 10,000 files, one at a time',
    connections: 1,
    inFlight: 1,
    phases: [lookupGetattr],
    targets: oneAtATime,
  },
  {
    name: 'lookup-read-1',
    title: 'LOOKUP+ACCESS+READ 4 KiB, 10,000 files, one at a time',
    connections: 1,
    inFlight: 1,
    phases: [lookupRead],
    targets: oneAtATime,
  },
  {
    name: 'lookup-getattr-32',
    title: 'LOOKUP+ACCESS+GETATTR, 32 in flight, 1 connection',
    connections: 1,
    inFlight: 32,
    phases: [lookupGetattr],
    targets: manyAtOnce,
  },
  {
    name: 'lookup-read-32',
    title: 'LOOKUP+ACCESS+READ 4 KiB, 32 in flight, 1 connection',
    connections: 1,
    inFlight: 32,
    phases: [lookupRead],
    targets: manyAtOnce,
  },
  {
    name: 'lookup-getattr-32x4',
    title: 'LOOKUP+ACCESS+GETATTR, 32 in flight, 4 connections',
    connections: 4,
    inFlight: 32,
    phases: [lookupGetattr],
    targets: manyAtOnce,
  },
  {
    name: 'lookup-read-32x4',
    title: 'LOOKUP+ACCESS+READ 4 KiB, 32 in flight, 4 connections',
    connections: 4,
    inFlight: 32,
    phases: [lookupRead],
    targets: manyAtOnce,
  },
  {
    name: 'readdirplus',
    title: 'READDIRPLUS walk of 10,000 files (per entry)',
    connections: 1,
    inFlight: 1,
    unit: 'entries',
    phases: [{ items: 3, steps: [readdirplus] }],
    fallback: [
      { items: 1, steps: [readdir] },
      { items: FILES, steps: [lookup] },
    ],
    targets: [atLeast.rate('ganesha', 0.5), atLeast.rate('unfsd', 12), atMost.cpu('unfsd', 0.12)],
  },
  {
    name: 'getattr-handles',
    title: 'GETATTR over 10,000 known handles, 32 in flight',
    connections: 1,
    inFlight: 32,
    phases: [{ items: FILES, steps: [getattr], start: onFile }],
    targets: [atLeast.rate('ganesha', 3)],
  },
  {
    name: 'read-1m',
    title: 'READ 1 MiB streaming, 4 in flight',
    connections: 1,
    inFlight: 4,
    phases: [{ items: 512, steps: [read(MEBIBYTE, LARGE_SIZE / MEBIBYTE)], start: onLarge }],
    targets: [atLeast.rate('every', 1, 1.3), atMost.cpu('every', 0.75, 0.5)],
  },
  {
    name: 'write-1m',
    title: 'WRITE 1 MiB UNSTABLE, 4 in flight, then COMMIT',
    connections: 1,
    inFlight: 4,
    phases: [
      { items: 256, steps: [write(MEBIBYTE, LARGE_SIZE / MEBIBYTE, unstable)], start: onScratch },
      { items: 1, steps: [commit], start: onScratch },
    ],
    targets: [atLeast.rate('ganesha', 1), atLeast.rate('unfsd', 2), atMost.cpu('every', 0.5)],
  },
  {
    name: 'write-sync',
    title: 'WRITE 4 KiB FILE_SYNC, one at a time',
    connections: 1,
    inFlight: 1,
    phases: [{ items: 1000, steps: [write(FILE_SIZE, LARGE_SIZE / FILE_SIZE, FILE_SYNC)], start: onScratch }],
    targets: [atLeast.rate('every', 1), atMost.cpu('every', 1.1)],
  },
  {
    name: 'create-1',
    title: 'CREATE+WRITE+SETATTR+COMMIT, one at a time',
    connections: 1,
    inFlight: 1,
    needsWorkDirectory: true,
    phases: [{ items: 500, steps: unpack }],
    targets: [atLeast.rate('every', 1), atMost.cpu('every', 1.1)],
  },
  {
    name: 'create-32',
    title: 'CREATE+WRITE+SETATTR+COMMIT of 5,000 files, 32 in flight',
    connections: 1,
    inFlight: 32,
    needsWorkDirectory: true,
    phases: [{ items: NEW_FILES, steps: unpack }],
    targets: [atLeast.rate('every', 2), atMost.cpu('every', 1)],
  },
  {
    name: 'rename-32',
    title: 'RENAME, 32 in flight',
    connections: 1,
    inFlight: 32,
    needsWorkDirectory: true,
    prepare: [createFiles],
    phases: [{ items: NEW_FILES, steps: [rename] }],
    targets: [atLeast.rate('every', 1.5), atMost.cpu('every', 0.6)],
  },
  {
    name: 'remove-32',
    title: 'REMOVE, 32 in flight',
    connections: 1,
    inFlight: 32,
    needsWorkDirectory: true,
    prepare: [createFiles],
    phases: [{ items: NEW_FILES, steps: [remove] }],
    targets: [atLeast.rate('every', 1.5), atMost.cpu('every', 0.6)],
  },
];
