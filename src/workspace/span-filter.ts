import { hash } from 'node:crypto';

/**
 * Which of many spans may hold an event: a Bloom filter for each (Bloom 1970), 16 bits an event, kept
 * crosswise, so that one look tells it of sixteen spans at once. None that holds it is ever left out;
 * one that does not is named about once in 2,000 times.
 */
const PLACES = 1 << 18;
const PROBES = 8;
const SPANS_A_GROUP = 16;

/** Where an event is noted: the eight words of one SHA-256, which no sender can aim. */
export function placesOf(key: string): Uint32Array {
  const digest = hash('sha256', key, 'buffer');
  const places = new Uint32Array(PROBES);
  for (let at = 0; at < PROBES; at++) places[at] = digest.readUInt32LE(at * 4) % PLACES;
  return places;
}

/** The notes of one span, a bit for each place. */
export const newBits = (): Uint8Array => new Uint8Array(PLACES / 8);

export function note(bits: Uint8Array, places: Uint32Array): void {
  for (const place of places) bits[place >> 3] = (bits[place >> 3] ?? 0) | (1 << (place & 7));
}

export interface SpanFilter {
  add(span: number, bits: Uint8Array): void;
  /** The spans that may hold what is noted at these places. */
  spansFor(places: Uint32Array): number[];
  /** What it takes of memory. */
  readonly bytes: number;
}

export function createSpanFilter(): SpanFilter {
  const first: number[] = [];
  const groups: Uint16Array[] = [];

  function groupOf(span: number): Uint16Array {
    const start = span - (span % SPANS_A_GROUP);
    // The newest is asked for nearly always.
    let group = groups[first.lastIndexOf(start)];
    if (group === undefined) {
      group = new Uint16Array(PLACES);
      first.push(start);
      groups.push(group);
    }
    return group;
  }

  return {
    add(span, bits) {
      const group = groupOf(span);
      const mark = 1 << (span % SPANS_A_GROUP);
      for (let at = 0; at < bits.length; at++) {
        const byte = bits[at] ?? 0;
        if (byte === 0) continue;
        for (let bit = 0; bit < 8; bit++) {
          if ((byte & (1 << bit)) !== 0) group[at * 8 + bit] = (group[at * 8 + bit] ?? 0) | mark;
        }
      }
    },
    spansFor(places) {
      const spans: number[] = [];
      for (let at = 0; at < groups.length; at++) {
        const group = groups[at];
        let marks = 0xffff;
        for (let probe = 0; marks !== 0 && probe < PROBES; probe++) marks &= group?.[places[probe] ?? 0] ?? 0;
        for (let span = first[at] ?? 0; marks !== 0; span++, marks >>= 1) if ((marks & 1) !== 0) spans.push(span);
      }
      return spans;
    },
    get bytes() {
      return groups.length * PLACES * Uint16Array.BYTES_PER_ELEMENT;
    },
  };
}
