import { randomNormal, randomUniform } from 'd3-random';
import seedrandom from 'seedrandom';

/** Random choices for one picture, all from one named stream, so that a picture does not depend on any other. */
export interface Draw {
  /** Uniform in [low, high). */
  uniform(low: number, high: number): number;
  /** Uniform whole number in low..high, both included. */
  whole(low: number, high: number): number;
  normal(mean: number, deviation: number): number;
  chance(probability: number): boolean;
  pick<Item>(items: readonly [Item, ...Item[]]): Item;
}

/** @param stream names the stream: equal names give equal draws */
export function drawFrom(stream: string): Draw {
  const source = seedrandom(stream);
  const uniform = (low: number, high: number): number => randomUniform.source(source)(low, high)();
  const whole = (low: number, high: number): number => low + Math.floor(source() * (high - low + 1));
  return {
    uniform,
    whole,
    normal: (mean, deviation) => randomNormal.source(source)(mean, deviation)(),
    chance: (probability) => source() < probability,
    pick: (items) => items[whole(0, items.length - 1)] ?? items[0],
  };
}
