import { hash } from 'node:crypto';

/**
 * Counts distinct subjects in bounded space: up to 256 exactly, as 32-bit hashes, and more approximately, with a
 * HyperLogLog of 4,096 registers (Flajolet et al. 2007; standard error 1.6%). The text format is a letter and base64:
 * `s` and the hashes of an exact sketch, or `d` and the registers of a dense sketch.
 */
const MAX_EXACT_COUNT = 256;
const INDEX_BITS = 12;
const REGISTERS = 1 << INDEX_BITS;
const ALPHA = 0.7213 / (1 + 1.079 / REGISTERS);

export type DistinctCountSketch =
  | { readonly kind: 'exact'; readonly hashes: Set<number> }
  | { readonly kind: 'dense'; readonly registers: Uint8Array };

/** Returns a hash of 32 bits. */
export function hashSubject(subject: string): number {
  return Number.parseInt(hash('sha256', subject, 'hex').slice(0, 8), 16);
}

/** Parses a stored sketch. Returns an empty sketch for null. */
export function decodeSketch(text: string | null): DistinctCountSketch {
  if (text === null) return { kind: 'exact', hashes: new Set() };
  const bytes = Buffer.from(text.slice(1), 'base64');
  if (text.startsWith('d')) return { kind: 'dense', registers: new Uint8Array(bytes) };
  const hashes = new Set<number>();
  for (let offset = 0; offset < bytes.length; offset += 4) hashes.add(bytes.readUInt32LE(offset));
  return { kind: 'exact', hashes };
}

export function encodeSketch(sketch: DistinctCountSketch): string {
  if (sketch.kind === 'dense') return `d${Buffer.from(sketch.registers).toString('base64')}`;
  const bytes = Buffer.alloc(sketch.hashes.size * 4);
  let offset = 0;
  for (const subjectHash of sketch.hashes) offset = bytes.writeUInt32LE(subjectHash, offset);
  return `s${bytes.toString('base64')}`;
}

function raiseRegister(registers: Uint8Array, subjectHash: number): void {
  const index = subjectHash >>> (32 - INDEX_BITS);
  const rank = Math.min(Math.clz32((subjectHash << INDEX_BITS) >>> 0), 32 - INDEX_BITS) + 1;
  if (rank > (registers[index] ?? 0)) registers[index] = rank;
}

/** Returns a sketch with the hashes added; may modify `sketch`. */
export function addToSketch(sketch: DistinctCountSketch, hashes: Iterable<number>): DistinctCountSketch {
  if (sketch.kind === 'dense') {
    for (const subjectHash of hashes) raiseRegister(sketch.registers, subjectHash);
    return sketch;
  }
  for (const subjectHash of hashes) sketch.hashes.add(subjectHash);
  if (sketch.hashes.size <= MAX_EXACT_COUNT) return sketch;
  const registers = new Uint8Array(REGISTERS);
  for (const subjectHash of sketch.hashes) raiseRegister(registers, subjectHash);
  return { kind: 'dense', registers };
}

/** Returns the number of distinct subjects; an estimate if it is more than `MAX_EXACT_COUNT`. */
export function estimateCount(sketch: DistinctCountSketch): number {
  if (sketch.kind === 'exact') return sketch.hashes.size;
  let sum = 0;
  let zeros = 0;
  for (const rank of sketch.registers) {
    sum += 2 ** -rank;
    if (rank === 0) zeros++;
  }
  // The corrections for small and large counts are part of the published algorithm.
  const rawEstimate = (ALPHA * REGISTERS * REGISTERS) / sum;
  if (rawEstimate <= 2.5 * REGISTERS && zeros > 0) return Math.round(REGISTERS * Math.log(REGISTERS / zeros));
  const hashSpace = 2 ** 32;
  return Math.round(rawEstimate > hashSpace / 30 ? -hashSpace * Math.log(1 - rawEstimate / hashSpace) : rawEstimate);
}
