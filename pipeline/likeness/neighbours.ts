import { setImmediate } from 'node:timers/promises';

/** By position in the list that was given. */
interface Pair {
  readonly a: number;
  readonly b: number;
  /** Cosine distance. */
  readonly distance: number;
}

export interface Neighbours {
  /** Of each descriptor, the positions of those nearest to it (itself left out), the nearest first. */
  readonly nearest: readonly (readonly number[])[];
  /** All pairs closer than was asked for, the closest first. */
  readonly close: readonly Pair[];
}

export interface NeighbourOptions {
  /** How many nearest ones are kept. */
  readonly count: number;
  /** Pairs closer than this are listed. */
  readonly within: number;
  /** Hears how many descriptors are done; may throw to stop the work. */
  readonly onDone?: (done: number) => void;
}

/** Rows compared with each other row at once: each number that is loaded serves for so many products. */
const ROWS = 4;

/** Blocks of rows between two breaths, in which an interruption is noticed. */
const BREATH = 16;

/** The nearest ones so far, sorted; a later one at the same distance stays behind. */
class Nearest {
  readonly positions: number[] = [];
  private readonly distances: number[] = [];
  private readonly count: number;

  constructor(count: number) {
    this.count = count;
  }

  offer(position: number, distance: number): void {
    const { positions, distances, count } = this;
    if (positions.length === count && distance >= (distances[count - 1] ?? 0)) return;
    let place = positions.length;
    while (place > 0 && (distances[place - 1] ?? 0) > distance) place--;
    positions.splice(place, 0, position);
    distances.splice(place, 0, distance);
    if (positions.length > count) {
      positions.pop();
      distances.pop();
    }
  }
}

/** Products of the four rows from `first` with row `other`, written to `products`. */
function multiply(packed: Float64Array, width: number, first: number, other: number, products: Float64Array): void {
  const [a, b, c, d] = [first * width, (first + 1) * width, (first + 2) * width, (first + 3) * width];
  const from = other * width;
  let [p, q, r, s] = [0, 0, 0, 0];
  for (let i = 0; i < width; i++) {
    const value = packed[from + i] ?? 0;
    p += value * (packed[a + i] ?? 0);
    q += value * (packed[b + i] ?? 0);
    r += value * (packed[c + i] ?? 0);
    s += value * (packed[d + i] ?? 0);
  }
  products[0] = p;
  products[1] = q;
  products[2] = r;
  products[3] = s;
}

/**
 * Compares all descriptors with all others, each pair once: n * n / 2 products of their length.
 * @param descriptors of one length, each scaled to length 1; see descriptorOf
 */
export async function neighboursOf(
  descriptors: readonly Float32Array[],
  { count, within, onDone }: NeighbourOptions,
): Promise<Neighbours> {
  const width = descriptors[0]?.length ?? 0;
  // Doubles, since JavaScript would widen each number anew; rows of zeros fill up the last block.
  const packed = new Float64Array((descriptors.length + ROWS) * width);
  for (const [index, descriptor] of descriptors.entries()) packed.set(descriptor, index * width);
  const nearest = descriptors.map(() => new Nearest(count));
  const close: Pair[] = [];
  const products = new Float64Array(ROWS);
  for (let first = 0; first < descriptors.length; first += ROWS) {
    for (let b = first + 1; b < descriptors.length; b++) {
      multiply(packed, width, first, b, products);
      for (let row = 0; row < ROWS; row++) {
        const a = first + row;
        if (a >= b) break;
        const distance = Math.max(0, 1 - (products[row] ?? 0));
        nearest[a]?.offer(b, distance);
        nearest[b]?.offer(a, distance);
        if (distance < within) close.push({ a, b, distance });
      }
    }
    if ((first / ROWS) % BREATH !== BREATH - 1) continue;
    onDone?.(first + ROWS);
    await setImmediate();
  }
  return {
    nearest: nearest.map(({ positions }) => positions),
    close: close.toSorted((p, q) => p.distance - q.distance || p.a - q.a || p.b - q.b),
  };
}
