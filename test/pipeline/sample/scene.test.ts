import { describe, expect, it } from 'vitest';
import { svgOf } from '../../../pipeline/sample/picture.js';
import { lengthOf, sceneOf, speciesOf, STICK_HEIGHT } from '../../../pipeline/sample/scene.js';

function moments(values: readonly number[]): { mean: number; deviation: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  return { mean, deviation: Math.sqrt(variance) };
}

function lengths(species: string): number[] {
  const numbers = Array.from({ length: 8000 }, (_, i) => i + 1);
  return numbers.filter((k) => speciesOf(k) === species).map((k) => lengthOf(7, k));
}

describe('lengthOf', () => {
  it('follows max(20, N(100, 30)) for tigers', () => {
    const { mean, deviation } = moments(lengths('tiger'));
    // Four standard errors of a mean and of a deviation over 4,000 draws.
    expect(Math.abs(mean - 100)).toBeLessThan((4 * 30) / Math.sqrt(4000));
    expect(Math.abs(deviation - 30)).toBeLessThan((4 * 30) / Math.sqrt(8000));
    expect(Math.min(...lengths('tiger'))).toBe(20);
  });

  it('follows max(10, N(40, 8)) for cats', () => {
    const { mean, deviation } = moments(lengths('kittycat'));
    expect(Math.abs(mean - 40)).toBeLessThan((4 * 8) / Math.sqrt(4000));
    expect(Math.abs(deviation - 8)).toBeLessThan((4 * 8) / Math.sqrt(8000));
    expect(Math.min(...lengths('kittycat'))).toBeGreaterThanOrEqual(10);
  });

  it('has one decimal and depends on the seed and on k', () => {
    expect(lengths('tiger').every((value) => value === Number(value.toFixed(1)))).toBe(true);
    expect(new Set([lengthOf(1, 1), lengthOf(1, 3), lengthOf(2, 1), lengthOf(2, 3)]).size).toBe(4);
  });
});

describe('sceneOf', () => {
  const scenes = Array.from({ length: 400 }, (_, i) => sceneOf(3, i + 1));

  it('draws the animal to the scale of the stick', () => {
    for (const { front, rump, length, scale } of scenes) expect(Math.abs(front - rump)).toBeCloseTo(length * scale, 9);
  });

  it('keeps the animal and the whole stick within the centre square', () => {
    for (const { width, height, front, rump, stick, ground, scale, species } of scenes) {
      const edge = Math.min(width, height);
      for (const x of [front, rump, stick]) expect(Math.abs(x - width / 2)).toBeLessThan(edge / 2 - 8);
      expect(ground).toBeLessThan((height + edge) / 2 - 8);
      expect(ground - STICK_HEIGHT[species] * scale).toBeGreaterThan((height - edge) / 2 + 8);
    }
  });

  it('varies pose, direction, distance and shape', () => {
    expect(new Set(scenes.map(({ pose }) => pose)).size).toBe(4);
    expect(new Set(scenes.map(({ front, rump }) => front > rump)).size).toBe(2);
    expect(new Set(scenes.map(({ width, height }) => `${width}x${height}`)).size).toBe(5);
    const distances = scenes.filter(({ species }) => species === 'tiger').map(({ scale }) => scale);
    expect(Math.max(...distances) / Math.min(...distances)).toBeGreaterThan(1.5);
  });

  it('needs no font: its pictures hold no text', () => {
    for (let k = 1; k <= 20; k++) expect(svgOf(sceneOf(3, k))).not.toContain('<text');
  });
});
