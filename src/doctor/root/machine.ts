/** Architectures: names for e_machine of elf(5), and which programs run on which kernel. */
import type { Machine } from './elf.ts';

/** <linux/elf-em.h> */
const NAMES: Readonly<Record<number, string>> = {
  3: 'x86',
  8: 'MIPS',
  20: 'PowerPC',
  21: 'PowerPC',
  22: 's390',
  40: 'ARM',
  42: 'SuperH',
  62: 'x86-64',
  83: 'AVR',
  94: 'Xtensa',
  93: 'ARC',
  183: 'ARM64',
  189: 'MicroBlaze',
  195: 'ARCv2',
  243: 'RISC-V',
  258: 'LoongArch',
};

export function machineName({ number, bits, isLittle }: Machine): string {
  const name = NAMES[number] ?? `e_machine ${number}`;
  const width = number === 40 || number === 183 || number === 62 || number === 3 ? '' : ` ${bits}`;
  const isOdd = number === 8 || number === 20 || number === 21 ? isLittle : !isLittle;
  return `${name}${width}${isOdd ? (isLittle ? ' little-endian' : ' big-endian') : ''}`;
}

/** 64-bit kernels that run the 32-bit programs of another number, where they are configured so. */
const ALSO: Readonly<Record<number, number>> = { 183: 40, 62: 3, 21: 20 };

/** Whether a kernel may run a program. */
export function runs(kernel: Machine, program: Machine): boolean {
  if (kernel.isLittle !== program.isLittle) return false;
  if (ALSO[kernel.number] === program.number) return program.bits === 32;
  return kernel.number === program.number && program.bits <= kernel.bits;
}
