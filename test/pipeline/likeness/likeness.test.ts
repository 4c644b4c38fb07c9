import { randomNormal } from 'd3-random';
import seedrandom from 'seedrandom';
import { describe, expect, it } from 'vitest';
import { descriptorOf, distance } from '../../../pipeline/likeness/descriptor.js';
import { farThreshold, nearestDistance, spacing } from '../../../pipeline/likeness/novelty.js';
import { neighboursOf } from '../../../pipeline/likeness/neighbours.js';
import { COPY_DISTANCE, doubtfulLabels, NEIGHBOURS } from '../../../pipeline/likeness/suspects.js';

const random = seedrandom('likeness');
const normal = randomNormal.source(random)(0, 1);

/** A feature whose channels are those given, at every place. */
function featureWith(channels: Record<number, number>): Float32Array {
  return Float32Array.from({ length: 7 * 7 * 512 }, (_, i) => channels[i % 512] ?? 0);
}

/** A photograph of a kind: each kind has channels of its own. */
function photograph(kind: number, noise: number): Float32Array {
  const channels = Object.fromEntries(
    Array.from({ length: 40 }, (_, i) => [kind * 40 + i, Math.max(0, 5 + noise * normal())]),
  );
  return descriptorOf(featureWith(channels));
}

function labelled(count: number): { target: number; prediction: number; descriptor: Float32Array }[] {
  return Array.from({ length: count }, (_, i) => {
    const target = (i % 2 === 0 ? 40 : 100) + normal();
    return { target, prediction: target + normal(), descriptor: photograph(i % 2, 2) };
  });
}

describe('descriptorOf', () => {
  it('averages over places and scales to length 1', () => {
    const descriptor = descriptorOf(featureWith({ 0: 3, 511: 4 }));
    expect(descriptor).toHaveLength(512);
    expect(descriptor[0]).toBeCloseTo(0.6, 6);
    expect(descriptor[511]).toBeCloseTo(0.8, 6);
    expect(descriptorOf(featureWith({})).every((value) => value === 0)).toBe(true);
  });

  it('is 0 from itself and 1 from what shares no channel', () => {
    const [a, b] = [descriptorOf(featureWith({ 1: 2 })), descriptorOf(featureWith({ 2: 9 }))];
    expect(distance(a, a)).toBe(0);
    expect(distance(a, b)).toBe(1);
  });
});

describe('novelty', () => {
  it('sorts the distances to the nearest other', () => {
    const [a, b, c] = [{ 0: 1 }, { 0: 1, 1: 0.1 }, { 1: 1 }].map((channels) => descriptorOf(featureWith(channels)));
    if (a === undefined || b === undefined || c === undefined) throw new Error('unreachable');
    const [first, second, third] = spacing([c, b, a]);
    expect(first).toBeCloseTo(1 - 1 / Math.sqrt(1.01), 6);
    expect(second).toBe(first);
    expect(third).toBeCloseTo(1 - 0.1 / Math.sqrt(1.01), 6);
    expect(nearestDistance(c, [a, b])).toBe(third);
    expect(nearestDistance(c, [])).toBe(Infinity);
  });

  it('takes rank ceil((n + 1) 0.99), the largest where n is small', () => {
    const sorted = Float64Array.from({ length: 199 }, (_, i) => i + 1);
    expect(farThreshold(sorted)).toBe(198);
    expect(farThreshold(sorted.slice(0, 5))).toBe(5);
    expect(farThreshold(spacing([]))).toBe(Infinity);
  });

  it('calls another kind of photograph far, and one of the same kind not', () => {
    const training = Array.from({ length: 120 }, () => photograph(0, 1));
    const far = farThreshold(spacing(training));
    const alike = Array.from({ length: 200 }, () => nearestDistance(photograph(0, 1), training));
    expect(alike.filter((each) => each > far).length).toBeLessThanOrEqual(8);
    expect(nearestDistance(photograph(1, 1), training)).toBeGreaterThan(far);
  });
});

function stop(): never {
  throw new Error('enough');
}

const options = { count: NEIGHBOURS, within: COPY_DISTANCE };

describe('neighboursOf', () => {
  it('finds the copies and nothing else, the closest first', async () => {
    const photographs = Array.from({ length: 10 }, (_, kind) => photograph(kind % 3, 4));
    const bent = Array.from(photographs[4] ?? [], (value, i) => (i % 2 === 0 ? value * 1.1 : value));
    const nearly = Float32Array.from(bent, (value) => value / Math.hypot(...bent));
    const { close } = await neighboursOf([...photographs, nearly, (photographs[2] ?? nearly).slice()], options);
    expect(close.map(({ a, b }) => [a, b])).toEqual([
      [2, 11],
      [4, 10],
    ]);
    expect(close[0]?.distance).toBeCloseTo(0, 6);
  });

  it.each([0, 1, 2, 5, 8, 133])('gives each of %i its nearest, as sorting all distances would', async (count) => {
    const photographs = Array.from({ length: count }, (_, i) => photograph(i % 4, 3));
    const done: number[] = [];
    const { nearest } = await neighboursOf(photographs, { ...options, onDone: (rows) => done.push(rows) });
    const expected = photographs.map((one, index) =>
      photographs
        .map((other, position) => ({ position, far: distance(one, other) }))
        .filter(({ position }) => position !== index)
        .toSorted((a, b) => a.far - b.far)
        .slice(0, NEIGHBOURS)
        .map(({ position }) => position),
    );
    expect(nearest).toEqual(expected);
    expect(done).toEqual(count === 133 ? [64, 128] : []);
  });

  it('stops where it is told to', async () => {
    const photographs = Array.from({ length: 100 }, () => photograph(0, 3));
    const work = neighboursOf(photographs, { ...options, onDone: stop });
    await expect(work).rejects.toThrow('enough');
  });
});

async function doubted(photographs: ReturnType<typeof labelled>): Promise<ReturnType<typeof doubtfulLabels>> {
  const { nearest } = await neighboursOf(
    photographs.map(({ descriptor }) => descriptor),
    options,
  );
  return doubtfulLabels(photographs, nearest);
}

describe('doubtfulLabels', () => {
  it('finds a label that look-alikes and the head contradict', async () => {
    const photographs = labelled(60);
    photographs[8] = { target: 130, prediction: 52, descriptor: photograph(0, 2) };
    const [first, ...rest] = await doubted(photographs);
    expect(first?.index).toBe(8);
    expect(first?.expected).toBeGreaterThan(37);
    expect(first?.expected).toBeLessThan(43);
    expect(rest.filter(({ score }) => score > 6)).toEqual([]);
  });

  it('trusts a label that the head agrees with beyond it, and does not judge a few photographs', async () => {
    const photographs = labelled(60);
    photographs[8] = { target: 130, prediction: 131, descriptor: photograph(0, 2) };
    expect((await doubted(photographs)).map(({ index }) => index)).not.toContain(8);
    expect(await doubted(labelled(29).map((each) => ({ ...each, target: 1 })))).toEqual([]);
  });
});
