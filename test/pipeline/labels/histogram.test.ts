import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { array, assert, double, integer, property } from 'fast-check';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../../pipeline/errors.js';
import { groupsOf, histogramOf, histogramText } from '../../../pipeline/labels/histogram.js';
import { drawHistogram } from '../../../pipeline/labels/picture.js';

const rows = [
  ...[31, 38, 39.99, 40, 52].map((target, index) => ({ id: `kittycat/${index}.jpg`, target })),
  ...[20, 95, 101, 170].map((target, index) => ({ id: `tiger/${index}.jpg`, target })),
];

describe('groupsOf', () => {
  it('names the folder in which images differ first', () => {
    expect(groupsOf(['tiger/a.jpg', 'kittycat/b.jpg'])).toEqual(['tiger', 'kittycat']);
    expect(groupsOf(['photos/tiger/old/a.jpg', 'photos/kittycat/b.jpg'])).toEqual(['tiger', 'kittycat']);
    expect(groupsOf(['photos/tiger/a.jpg', 'photos/tiger/b.jpg'])).toEqual(['tiger', 'tiger']);
    expect(groupsOf(['a.jpg', 'tiger/b.jpg'])).toEqual(['.', 'tiger']);
    expect(groupsOf(['a.jpg', 'b.jpg'])).toEqual(['.', '.']);
    expect(groupsOf([])).toEqual([]);
  });
});

describe('histogramOf', () => {
  it('counts in bins of a round width, an edge belonging to the bin above it', () => {
    expect(histogramOf(rows, 10)).toEqual({
      edges: [20, 40, 60, 80, 100, 120, 140, 160, 180],
      groups: [
        { name: 'kittycat', counts: [3, 2, 0, 0, 0, 0, 0, 0], total: 5 },
        { name: 'tiger', counts: [1, 0, 0, 1, 1, 0, 0, 1], total: 4 },
      ],
    });
  });

  it('pools the smaller of many folders', () => {
    const many = Array.from({ length: 8 }, (_, folder) =>
      Array.from({ length: 9 - folder }, (__, index) => ({ id: `f${folder}/${index}.jpg`, target: folder })),
    ).flat();
    expect(histogramOf(many).groups.map(({ name, total }) => [name, total])).toEqual([
      ['f0', 9],
      ['f1', 8],
      ['f2', 7],
      ['f3', 6],
      ['f4', 5],
      ['3 others', 9],
    ]);
  });

  it('loses no label, whatever the numbers are', () => {
    assert(
      property(
        array(double({ min: -1e9, max: 1e9, noNaN: true }), { minLength: 1, maxLength: 50 }),
        integer({ min: 1, max: 60 }),
        (targets, bins) => {
          const { edges, groups } = histogramOf(
            targets.map((target) => ({ id: 'a/b.jpg', target })),
            bins,
          );
          expect(groups.map(({ total }) => total)).toEqual([targets.length]);
          expect(edges).toHaveLength((groups[0]?.counts.length ?? 0) + 1);
          expect(edges.length).toBeLessThanOrEqual(bins + 3);
        },
      ),
    );
  });

  it('takes numbers that differ by less than any step', () => {
    expect(
      histogramOf(
        [0, -5e-324].map((target) => ({ id: 'a/b.jpg', target })),
        1,
      ).groups,
    ).toEqual([{ name: 'a', counts: [1, 1], total: 2 }]);
  });

  it('takes equal numbers and none', () => {
    expect(histogramOf([{ id: 'a.jpg', target: 7 }])).toEqual({
      edges: [7, 8],
      groups: [{ name: '.', counts: [1], total: 1 }],
    });
    expect(histogramOf([])).toEqual({ edges: [], groups: [] });
  });
});

describe('histogramText', () => {
  it('has a line for each bin and a column for each folder', () => {
    expect(`\n${histogramText(histogramOf(rows, 8), 'cm')}`).toMatchInlineSnapshot(`
      "
             cm  kittycat 5                         tiger 4
        20 – 40 │████████████████████████████████  │██████████▊
        40 – 60 │█████████████████████▍            │
        60 – 80 │                                  │
       80 – 100 │                                  │██████████▊
      100 – 120 │                                  │██████████▊
      120 – 140 │                                  │
      140 – 160 │                                  │
      160 – 180 │                                  │██████████▊"
    `);
  });
});

describe('drawHistogram', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pool5-histogram-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('draws SVG and PNG without a font', async () => {
    const [svg, png] = [join(folder, 'a.svg'), join(folder, 'a.png')];
    await drawHistogram(histogramOf(rows), 'length (cm)', svg);
    await drawHistogram(histogramOf(rows), 'length (cm)', png);
    const text = await readFile(svg, 'utf8');
    expect(text).not.toContain('<text');
    expect(text).toContain("X-axis titled 'length (cm)'");
    // A bar for each bin of each folder, those without a photograph included.
    expect(text.match(/aria-roledescription="bar"/g)).toHaveLength(2 * 16);
    const { format, width, height } = await sharp(png).metadata();
    expect({ format, wide: width > 1280, high: height > 760 }).toEqual({ format: 'png', wide: true, high: true });
    const { dominant } = await sharp(png).stats();
    expect(dominant).toEqual({ r: 248, g: 248, b: 248 });
  });

  it('shows both folders where they overlap', async () => {
    const file = join(folder, 'overlap.png');
    const both = [
      { id: 'a/1.jpg', target: 0 },
      { id: 'b/1.jpg', target: 0 },
      { id: 'a/2.jpg', target: 1 },
      { id: 'b/2.jpg', target: 2 },
    ];
    await drawHistogram(histogramOf(both, 3), 'n', file);
    const { data, info } = await sharp(file).removeAlpha().raw().toBuffer({ resolveWithObject: true });
    const colors = new Map<string, number>();
    for (let at = 0; at < data.length; at += info.channels) {
      const color = data.subarray(at, at + 3).toString('hex');
      colors.set(color, (colors.get(color) ?? 0) + 1);
    }
    const frequent = [...colors].filter(([, count]) => count > 20_000).map(([color]) => color);
    // White, either colour at 55 %, and one over the other.
    expect(frequent.toSorted()).toEqual(['8b98a9', '96bde1', 'e6ad83', 'ffffff']);
  });

  it('refuses other names', async () => {
    await expect(drawHistogram(histogramOf(rows), 'n', 'a.pdf')).rejects.toThrow(
      new InputError('Expected a name that ends in .png or .svg, got a.pdf (--picture).'),
    );
  });
});
