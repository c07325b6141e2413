/**
 * For which architecture a kernel is, and its version, from the begin of its image. Sources: the kernel's
 * Documentation/arch/{arm64,riscv}/boot*.rst, Documentation/arch/x86/boot.rst, Documentation/arch/arm/booting.rst;
 * U-Boot's include/image.h; the PE/COFF format.
 */
import zlib from 'node:zlib';
import { type Machine, machineOf } from './elf.ts';

export interface KernelImage {
  readonly machine: Machine;
  /** As in /lib/modules; undefined where the image does not tell. */
  readonly version: string | undefined;
}

const LITTLE_64 = { bits: 64, isLittle: true } as const;
const LITTLE_32 = { bits: 32, isLittle: true } as const;
const ARM: Machine = { number: 40, ...LITTLE_32 };
const ARM64: Machine = { number: 183, ...LITTLE_64 };
const X86: Machine = { number: 3, ...LITTLE_32 };
const X86_64: Machine = { number: 62, ...LITTLE_64 };
const RISCV: Machine = { number: 243, ...LITTLE_64 };

/** IH_TYPE_KERNEL and IH_TYPE_MULTI of U-Boot: scripts (boot.scr) and ramdisks have the same header. */
const UBOOT_KERNELS: readonly unknown[] = [2, 4];
/** IH_ARCH_* of U-Boot. */
const UBOOT: Readonly<Record<number, Machine>> = { 2: ARM, 3: X86, 22: ARM64, 24: X86_64, 26: RISCV };
/** IMAGE_FILE_MACHINE_* of PE/COFF. */
const PE: Readonly<Record<number, Machine>> = {
  332: X86,
  450: ARM,
  34404: X86_64,
  43620: ARM64,
  20580: RISCV,
};

/** Bytes of a file that its kind shows in. */
export const START = 64 * 1024;
/** Much more than the kernel writes. */
const MAX_VERSION = 100;
const VERSION = /^\d+\.\d+\S{0,90}/;

function versionAt(bytes: Buffer, offset: number): string | undefined {
  return VERSION.exec(bytes.toString('latin1', offset, offset + MAX_VERSION))?.[0];
}

/** The banner, which lies uncompressed in an image that is not packed. */
function bannerVersion(bytes: Buffer): string | undefined {
  const banner = bytes.indexOf('Linux version ');
  return banner === -1 ? undefined : versionAt(bytes, banner + 14);
}

function bzImage(bytes: Buffer): KernelImage | undefined {
  if (bytes.length < 0x240 || bytes.toString('latin1', 0x202, 0x206) !== 'HdrS') return undefined;
  const text = bytes.readUInt16LE(0x20e);
  const is64 = bytes.readUInt16LE(0x206) >= 0x20c && (bytes.readUInt16LE(0x236) & 1) === 1;
  return { machine: is64 ? X86_64 : X86, version: text === 0 ? undefined : versionAt(bytes, text + 0x200) };
}

/** A header of U-Boot's with what it holds behind it. */
function uImage(bytes: Buffer): KernelImage | undefined {
  if (bytes.readUInt32BE(0) !== 0x27051956 || !UBOOT_KERNELS.includes(bytes[30])) return undefined;
  const machine = UBOOT[bytes[29] ?? 0];
  // "Linux-6.1.0" is the usual name.
  const name = bytes.toString('latin1', 32, 64);
  return machine && { machine, version: VERSION.exec(name.replace(/^Linux-/, '').split('\0')[0] ?? '')?.[0] };
}

function portableExecutable(bytes: Buffer): KernelImage | undefined {
  const header = bytes.readUInt32LE(0x3c);
  if (bytes.toString('latin1', 0, 2) !== 'MZ' || header + 6 > bytes.length) return undefined;
  if (bytes.toString('latin1', header, header + 4) !== 'PE\0\0') return undefined;
  const machine = PE[bytes.readUInt16LE(header + 4)];
  return machine && { machine, version: bannerVersion(bytes) };
}

function flatImage(bytes: Buffer): KernelImage | undefined {
  if (bytes.toString('latin1', 0x38, 0x3c) === 'ARM\x64')
    return { machine: ARM64, version: bannerVersion(bytes) };
  if (bytes.toString('latin1', 0x38, 0x3c) === 'RSC\x05')
    return { machine: RISCV, version: bannerVersion(bytes) };
  // zImage
  if (bytes.readUInt32LE(0x24) === 0x016f2818) return { machine: ARM, version: undefined };
  return undefined;
}

/** vmlinux: but programs for the board have the same format. */
function vmlinux(bytes: Buffer): KernelImage | undefined {
  const machine = machineOf(bytes);
  const version = machine && bannerVersion(bytes);
  return version === undefined || machine === undefined ? undefined : { machine, version };
}

const HEADER = 0x40;
/** What an image may be unpacked to, bytes. */
const MAX_UNPACKED = 128 << 20;

/** What gzip (RFC 1952) or zstd (RFC 8878) packs, as much as is there of it. */
function unpacked(bytes: Buffer): Buffer {
  const { Z_SYNC_FLUSH, ZSTD_e_flush } = zlib.constants;
  const limit = { maxOutputLength: MAX_UNPACKED };
  try {
    if (bytes.readUInt16BE(0) === 0x1f8b)
      return zlib.gunzipSync(bytes, { ...limit, finishFlush: Z_SYNC_FLUSH });
    if (bytes.readUInt32LE(0) === 0xfd2fb528)
      return zlib.zstdDecompressSync(bytes, { ...limit, finishFlush: ZSTD_e_flush });
  } catch {
    // An archive, or no such thing at all.
  }
  return bytes;
}

/** @param file all of a file, or its begin @returns undefined for what is no kernel that is known here */
export function kernelImage(file: Buffer): KernelImage | undefined {
  if (file.length < HEADER) return undefined;
  const bytes = unpacked(file);
  if (bytes.length < HEADER) return undefined;
  return bzImage(bytes) ?? uImage(bytes) ?? flatImage(bytes) ?? portableExecutable(bytes) ?? vmlinux(bytes);
}
