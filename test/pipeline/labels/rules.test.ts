import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../../pipeline/errors.js';
import { makeLabels } from '../../../pipeline/labels/make.js';
import {
  censoredMoments,
  madeUp,
  noiseFloor,
  parseRule,
  ruleFor,
  ruleText,
  type Rule,
} from '../../../pipeline/labels/rules.js';

const rule = (text: string): Rule => parseRule(text, '--rule');
const TIGER = rule('tiger: normal(100,30) min 20');
const CAT = rule('kittycat: normal(40,8) min 10');
const digest = (name: number): string => createHash('sha256').update(String(name)).digest('hex');

describe('parseRule', () => {
  it.each([
    ['tiger: normal(100,30) min 20', { folder: 'tiger', mean: 100, deviation: 30, least: 20 }],
    ['  a b : NORMAL( -1.5 , .5 ) ', { folder: 'a b', mean: -1.5, deviation: 0.5, least: -Infinity }],
    ['./photos\\x/: normal(1,0) min -3', { folder: 'photos/x', mean: 1, deviation: 0, least: -3 }],
  ])('%s', (text, expected) => {
    expect(rule(text)).toEqual(expected);
  });

  it('reads what it writes', () => {
    for (const each of [TIGER, rule('x: normal(1,2)')]) expect(rule(ruleText(each))).toEqual(each);
  });

  it.each([
    'tiger',
    'tiger: normal(100)',
    'tiger: normal(1,0)min 0',
    'tiger: normal(100,-3)',
    'tiger: uniform(1,2)',
    ': normal(1,2)',
  ])('refuses %s', (text) => {
    expect(() => rule(text)).toThrow(
      new InputError(`Expected a rule such as 'tiger: normal(100, 30) min 20', got "${text}" (--rule).`),
    );
  });
});

describe('ruleFor', () => {
  it('takes the innermost folder that has a rule, by name or path', () => {
    const rules = [TIGER, CAT, rule('zoo/tiger: normal(1,1)')];
    expect(ruleFor('tiger/a.jpg', rules)).toBe(TIGER);
    expect(ruleFor('photos/tiger/old/a.jpg', rules)).toBe(TIGER);
    expect(ruleFor('tiger/kittycat/a.jpg', rules)).toBe(CAT);
    expect(ruleFor('zoo/tiger/a.jpg', [rules[2] ?? TIGER])).toBe(rules[2]);
    expect(ruleFor('tiger.jpg', rules)).toBeUndefined();
    expect(ruleFor('tigers/a.jpg', rules)).toBeUndefined();
  });
});

describe('makeLabels', () => {
  const images = Array.from({ length: 4000 }, (_, index) => ({
    id: `${index % 2 === 0 ? 'tiger' : 'kittycat'}/${index}.jpg`,
    digest: digest(index),
  }));

  it('gives a photograph the same number whatever else is in the folder, and copies one number', () => {
    const all = new Map(makeLabels(images, [TIGER, CAT], 1).rows.map((row) => [row.id, row.target]));
    const some = images.filter((_, index) => index % 7 === 0).toReversed();
    for (const { id, target } of makeLabels(some, [CAT, TIGER], 1).rows) expect(target).toBe(all.get(id));
    expect(madeUp(TIGER, digest(0), 1)).toBe(all.get('tiger/0.jpg'));
    expect(madeUp(TIGER, digest(0), 2)).not.toBe(all.get('tiger/0.jpg'));
    expect([0, 2, 4].map((index) => all.get(`tiger/${index}.jpg`))).toMatchInlineSnapshot(`
      [
        108.34,
        125.59,
        52.78,
      ]
    `);
  });

  it('has the mean, the spread and the least number of its rule', () => {
    const { rows } = makeLabels(images, [TIGER, CAT], 1);
    for (const each of [TIGER, CAT]) {
      const values = rows.filter(({ id }) => id.startsWith(each.folder)).map(({ target }) => target);
      const mean = values.reduce((a, b) => a + b, 0) / values.length;
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
      const moments = censoredMoments(each);
      // 2,000 numbers: four standard errors.
      expect(Math.abs(mean - moments.mean)).toBeLessThan((4 * each.deviation) / Math.sqrt(2000));
      expect(Math.abs(Math.sqrt(variance) / Math.sqrt(moments.variance) - 1)).toBeLessThan(4 / Math.sqrt(4000));
      expect(Math.min(...values)).toBeGreaterThanOrEqual(each.least);
    }
    expect(rows.filter(({ target }) => target === 20).length).toBeGreaterThan(0);
  });

  it('counts what no rule covers, and refuses rules that cover nothing', () => {
    expect(makeLabels(images, [TIGER], 1)).toMatchObject({ without: 2000 });
    expect(() => makeLabels(images, [rule('tigers: normal(1,1)')], 1)).toThrow(
      new InputError(
        'Expected images in a folder named tigers, got none; there are tiger, kittycat (--rule). Did you mean tiger?',
      ),
    );
    expect(() => makeLabels(images, [TIGER, TIGER], 1)).toThrow(
      new InputError('Expected one rule for each folder, got two for tiger (--rule).'),
    );
  });
});

/** The moments of a rule by the midpoint rule. */
function integrated({ mean, deviation, least }: Rule): { mean: number; variance: number } {
  const [steps, width] = [200_000, 24];
  let [first, second] = [0, 0];
  for (let step = 0; step < steps; step++) {
    const z = ((step + 0.5) / steps - 0.5) * width;
    const weight = (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * (width / steps);
    const value = Math.max(least, mean + deviation * z) - mean;
    first += weight * value;
    second += weight * value ** 2;
  }
  return { mean: mean + first, variance: second - first ** 2 };
}

describe('censoredMoments', () => {
  it.each([
    'a: normal(100,30) min 20',
    'a: normal(40,8) min 10',
    'a: normal(0,1) min 0',
    'a: normal(0,1) min 2.5',
    'a: normal(0,1) min -5',
    'a: normal(1000000,1) min 1000000',
    'a: normal(5,2)',
  ])('%s agrees with numerical integration', (text) => {
    const [exact, numeric] = [censoredMoments(rule(text)), integrated(rule(text))];
    expect(exact.mean).toBeCloseTo(numeric.mean, 6);
    expect(exact.variance / numeric.variance).toBeCloseTo(1, 6);
  });

  it('knows half a normal in closed form, and the ends', () => {
    const half = censoredMoments(rule('a: normal(0,1) min 0'));
    expect(half.mean).toBeCloseTo(1 / Math.sqrt(2 * Math.PI), 14);
    expect(half.variance).toBeCloseTo(0.5 - 1 / (2 * Math.PI), 14);
    expect(censoredMoments(rule('a: normal(5,0) min 7'))).toEqual({ mean: 7, variance: 0 });
    expect(censoredMoments(rule('a: normal(0,1) min 100')).mean).toBeCloseTo(100, 12);
  });
});

describe('noiseFloor', () => {
  const comments = ['pool5 label: made up', `rule: ${ruleText(TIGER)}`, `rule: ${ruleText(CAT)}`];
  const table = (...ids: string[]) => ({ file: 'labels.csv', comments, rows: ids.map((id) => ({ id })) });

  it('weighs the rules by the images', () => {
    const [tiger, cat] = [censoredMoments(TIGER).variance, censoredMoments(CAT).variance];
    expect(noiseFloor(table('tiger/a', 'tiger/b', 'kittycat/c'))).toEqual({
      rmse: Math.sqrt((2 * tiger + cat) / 3),
      count: 3,
    });
    expect(noiseFloor(table('tiger/a', 'kittycat/c'), ['kittycat/c'])?.rmse).toBe(Math.sqrt(cat));
  });

  it('is unknown for measured labels, and where a rule is missing', () => {
    expect(noiseFloor({ ...table('tiger/a'), comments: [] })).toBeUndefined();
    expect(noiseFloor(table('tiger/a', 'dog/b'))).toBeUndefined();
    expect(noiseFloor(table())).toBeUndefined();
  });
});
