import { hash } from 'node:crypto';

/**
 * How many distinct subjects there were, kept small: up to 256 of them exactly, as 32-bit hashes, and
 * beyond that as a HyperLogLog of 4,096 registers (Flajolet et al. 2007; standard error 1.6 %). As
 * text: `s` or `d` and base64.
 */
const EXACT_UP_TO = 256;
const INDEX_BITS = 12;
const REGISTERS = 1 << INDEX_BITS;
const ALPHA = 0.7213 / (1 + 1.079 / REGISTERS);

export type Sketch =
  | { readonly kind: 'exact'; readonly hashes: Set<number> }
  | { readonly kind: 'dense'; readonly registers: Uint8Array };

export function hashOfSubject(subject: string): number {
  return Number.parseInt(hash('sha256', subject, 'hex').slice(0, 8), 16);
}

export function readSketch(text: string | null): Sketch {
  if (text === null) return { kind: 'exact', hashes: new Set() };
  const bytes = Buffer.from(text.slice(1), 'base64');
  if (text.startsWith('d')) return { kind: 'dense', registers: new Uint8Array(bytes) };
  const hashes = new Set<number>();
  for (let at = 0; at < bytes.length; at += 4) hashes.add(bytes.readUInt32LE(at));
  return { kind: 'exact', hashes };
}

export function writeSketch(sketch: Sketch): string {
  if (sketch.kind === 'dense') return `d${Buffer.from(sketch.registers).toString('base64')}`;
  const bytes = Buffer.alloc(sketch.hashes.size * 4);
  let at = 0;
  for (const one of sketch.hashes) at = bytes.writeUInt32LE(one, at);
  return `s${bytes.toString('base64')}`;
}

function raise(registers: Uint8Array, one: number): void {
  const index = one >>> (32 - INDEX_BITS);
  const rank = Math.min(Math.clz32((one << INDEX_BITS) >>> 0), 32 - INDEX_BITS) + 1;
  if (rank > (registers[index] ?? 0)) registers[index] = rank;
}

/** The sketch with these hashes in it as well; may change the one given. */
export function addToSketch(sketch: Sketch, hashes: Iterable<number>): Sketch {
  if (sketch.kind === 'dense') {
    for (const one of hashes) raise(sketch.registers, one);
    return sketch;
  }
  for (const one of hashes) sketch.hashes.add(one);
  if (sketch.hashes.size <= EXACT_UP_TO) return sketch;
  const registers = new Uint8Array(REGISTERS);
  for (const one of sketch.hashes) raise(registers, one);
  return { kind: 'dense', registers };
}

export function countOfSketch(sketch: Sketch): number {
  if (sketch.kind === 'exact') return sketch.hashes.size;
  let sum = 0;
  let zeros = 0;
  for (const rank of sketch.registers) {
    sum += 2 ** -rank;
    if (rank === 0) zeros++;
  }
  const raw = (ALPHA * REGISTERS * REGISTERS) / sum;
  if (raw <= 2.5 * REGISTERS && zeros > 0) return Math.round(REGISTERS * Math.log(REGISTERS / zeros));
  const whole = 2 ** 32;
  return Math.round(raw > whole / 30 ? -whole * Math.log(1 - raw / whole) : raw);
}
