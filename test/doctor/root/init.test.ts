import fs from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { init } from '../../../src/doctor/root/init.ts';
import type { Kernel } from '../../../src/doctor/root/kernels.ts';
import { ARM, ARM64, MIPS, program, RootTree, X86_64 } from './root-tree.ts';

const GLIBC = '/lib/ld-linux-aarch64.so.1';
const kernel = (machine: Kernel['machine']): Kernel => ({ name: 'Image', machine, version: undefined });

let tree: RootTree;
beforeEach(() => {
  tree = new RootTree();
});
afterEach(() => tree.remove());

describe('init', () => {
  it('is content with a program of the kernel, by links', async () => {
    tree.add({
      'sbin/init': { link: '../lib/systemd/systemd' },
      lib: { link: 'usr/lib' },
      'usr/lib/systemd/systemd': program(ARM64, {
        loader: GLIBC,
        needed: ['libc.so.6', 'libshared.so'],
        runpath: '$ORIGIN/private:/nowhere',
      }),
      'usr/lib/ld-linux-aarch64.so.1': program(ARM64),
      'usr/lib/aarch64-linux-gnu/libc.so.6': program(ARM64),
      'usr/lib/systemd/private/libshared.so': program(ARM64),
    });
    expect(await tree.said(init, { kernels: [kernel(ARM64)] })).toEqual([
      'ok root: /sbin/init is for ARM64, as the kernel wants it',
    ]);
    expect(await tree.said(init)).toEqual([
      'ok root: /sbin/init is for ARM64; no kernel was uploaded to compare it with',
    ]);
  });

  it.each([
    [ARM64, X86_64, 'ARM64', 'x86-64'],
    [X86_64, ARM, 'x86-64', 'ARM'],
    [ARM, X86_64, 'ARM', 'x86-64'],
    [MIPS, ARM, 'MIPS 32', 'ARM'],
  ])('finds a program for another architecture: %o on %o', async (machine, other, name, otherName) => {
    tree.add({ 'sbin/init': program(machine) });
    expect(await tree.said(init, { kernels: [kernel(other)] })).toEqual([
      `error root, /sbin/init: It is a program for ${name}, but the kernel Image is for ${otherName}`,
    ]);
    expect(await tree.said(init, { kernels: [kernel(other), kernel(machine)] })).toHaveLength(1);
    expect((await tree.findings(init, { kernels: [kernel(other), kernel(machine)] }))[0]?.severity).toBe(
      'ok',
    );
  });

  it('lets 64-bit kernels run 32-bit programs', async () => {
    tree.add({ 'sbin/init': program(ARM) });
    expect((await tree.findings(init, { kernels: [kernel(ARM64)] }))[0]?.severity).toBe('ok');
  });

  it('finds that there is none', async () => {
    expect(await tree.said(init)).toEqual(['error root: It is empty']);
    tree.add({ 'etc/passwd': '' });
    expect(await tree.said(init)).toEqual([
      'error root: There is no init: none of /sbin/init, /etc/init, /bin/init, /bin/sh',
    ]);
    tree.add({ 'sbin/init': { link: '/lib/systemd/systemd' } });
    expect(await tree.said(init)).toEqual([
      'error root: There is no init: none of /sbin/init, /etc/init, /bin/init, /bin/sh; /sbin/init is a link to /lib/systemd/systemd, which is not there',
    ]);
    tree.add({ 'bin/sh': program(ARM64) });
    expect(await tree.said(init)).toEqual(['warning root: There is no init but /bin/sh']);
  });

  it('finds a system that lies too deep', async () => {
    tree.add({ 'rootfs/sbin/init': program(ARM64) });
    expect(await tree.said(init)).toEqual(['error root: The system lies in /rootfs, not at the top']);
    tree.add({ 'rootfs/sbin/init': { link: '/lib/systemd/systemd' } });
    expect(await tree.said(init)).toEqual(['error root: The system lies in /rootfs, not at the top']);
    // With a merged /usr whose links were lost.
    tree.add({ rootfs: undefined, 'usr/sbin/init': program(ARM64) });
    expect((await tree.said(init))[0]).toMatch(/^error root: There is no init: /);
  });

  it('takes what the kernel was told', async () => {
    tree.add({ 'sbin/init': program(ARM64), 'opt/start': 'text' });
    expect(await tree.said(init, { commandLine: 'root=/dev/nfs init=/opt/start rw' })).toEqual([
      'error root, /opt/start: It is neither a program nor a script',
    ]);
    expect(await tree.said(init, { commandLine: 'init=/nix/store/x/init' })).toEqual([
      'warning root: The kernel of the last boot was told init=/nix/store/x/init, which is not there',
    ]);
    tree.add({ 'bin/sh': program(ARM64) });
    expect((await tree.said(init, { commandLine: 'init=/bin/sh' }))[0]).toMatch(/^ok root: \/bin\/sh is for/);
  });

  it('knows inits that the kernel has to be told', async () => {
    tree.add({ 'nix/var/nix/profiles/system/init': program(ARM64), 'bin/sh': program(ARM64) });
    expect(await tree.said(init, { commandLine: 'ip=dhcp' })).toEqual([
      'warning root: The only init is /nix/var/nix/profiles/system/init, where the kernel does not look for it',
    ]);
    tree.add({ nix: undefined, bin: undefined, 'nix/store/h-nixos-system-b-25.05/init': program(ARM64) });
    expect(await tree.said(init)).toEqual([
      'ok root: The system is NixOS; the kernel is to be told init=/nix/store/h-nixos-system-b-25.05/init',
    ]);
    expect(
      await tree.said(init, { commandLine: 'ip=dhcp init=/nix/store/h-nixos-system-b-25.05/init' }),
    ).toEqual([
      'ok root: /nix/store/h-nixos-system-b-25.05/init is for ARM64; no kernel was uploaded to compare it with',
    ]);
    expect((await tree.said(init, { commandLine: 'ip=dhcp' }))[0]).toMatch(
      /^warning root: The only init is \/nix/,
    );
    tree.add({ nix: undefined, init: program(ARM64) });
    expect(await tree.said(init)).toEqual([
      'warning root: The only init is /init, where the kernel does not look for it',
    ]);
    expect((await tree.said(init, { commandLine: 'init=/init' }))[0]).toMatch(
      /^ok root: \/init is for ARM64/,
    );
  });

  it('finds what it lacks', async () => {
    tree.add({ 'sbin/init': program(ARM64, { loader: GLIBC, needed: ['libc.so.6', 'libx.so.1'] }) });
    expect(await tree.said(init)).toEqual([`error root, /sbin/init: Its loader ${GLIBC} is missing`]);
    tree.add({ 'lib/ld-linux-aarch64.so.1': program(X86_64) });
    expect(await tree.said(init)).toEqual([
      `error root, /sbin/init: Its loader ${GLIBC} is for x86-64, it is for ARM64`,
      'warning root, /sbin/init: Libraries that it needs were not found: libc.so.6, libx.so.1',
    ]);
    tree.add({ 'lib/ld-linux-aarch64.so.1': program(ARM64), 'opt/lib/libc.so.6': program(ARM64) });
    tree.add({ 'etc/ld.so.conf.d/opt.conf': '# ours\n/opt/lib\n', 'usr/lib/libx.so.1': program(X86_64) });
    expect(await tree.said(init)).toEqual([
      'warning root, /sbin/init: Libraries that it needs were not found: libx.so.1',
    ]);
  });

  it('finds libraries of musl in its loader', async () => {
    const loader = '/lib/ld-musl-aarch64.so.1';
    const needed = ['libc.so', 'libpthread.so', 'libcrypt.so'];
    tree.add({ 'sbin/init': program(ARM64, { loader, needed }), [loader]: program(ARM64) });
    expect(await tree.said(init)).toEqual([
      'warning root, /sbin/init: Libraries that it needs were not found: libcrypt.so',
    ]);
  });

  it('passes over libraries for another width', async () => {
    const riscv = { number: 243, bits: 64, isLittle: true } as const;
    const needed = ['libc.so.6'];
    tree.add({ 'sbin/init': program(riscv, { loader: '/lib/ld.so', needed }), 'lib/ld.so': program(riscv) });
    tree.add({ 'lib/libc.so.6': program({ ...riscv, bits: 32 }) });
    expect(await tree.said(init)).toHaveLength(1);
    expect((await tree.said(init))[0]).toMatch(/not found: libc\.so\.6$/);
    tree.add({ 'lib64/lp64d/libc.so.6': program(riscv) });
    expect((await tree.findings(init))[0]?.severity).toBe('ok');
  });

  it('follows scripts to what runs them', async () => {
    tree.add({ 'sbin/init': '#!/bin/busybox sh\n' });
    expect(await tree.said(init)).toEqual([
      'error root, /sbin/init: Its interpreter /bin/busybox is missing',
    ]);
    tree.add({ 'bin/busybox': program(X86_64) });
    expect(await tree.said(init, { kernels: [kernel(ARM64)] })).toEqual([
      'error root, /bin/busybox: It is a program for x86-64, but the kernel Image is for ARM64',
    ]);
    expect(await tree.said(init)).toEqual(['ok root: /sbin/init is a script']);
    tree.add({ 'bin/busybox': '#!/bin/busybox' });
    expect(await tree.said(init)).toEqual(['ok root: /sbin/init is a script']);
  });

  it('finds that it may not be executed', async () => {
    tree.add({ 'sbin/init': { content: program(ARM64), stat: '100644 0,0 0:0' } });
    expect(await tree.said(init)).toEqual(['error root, /sbin/init: It may not be executed, mode 0644']);
  });

  it('survives links in circles, and out of the root', async () => {
    tree.add({ 'sbin/init': { link: '../etc/init' }, 'etc/init': { link: '/sbin/init' } });
    tree.add({ 'bin/init': { link: '../../../../../../../bin/sh' } });
    fs.symlinkSync('/bin/sh', `${tree.directory}/bin/sh`);
    expect((await tree.said(init))[0]).toMatch(/^error root: There is no init/);
  });
});
