import { extname } from 'node:path';
import sharp from 'sharp';
import { parse, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import { InputError } from '../errors.js';
import { writeAtomically } from '../files/atomic.js';
import { lettering } from '../report/lettering.js';
import type { Histogram } from './histogram.js';

/** A colour a folder; where two overlap, both show. */
const COLORS = ['#d2691e', '#3f86c9', '#2a8f6d', '#9b59b6', '#8a7a2f', '#6b7f99'];

/** Of a PNG, against the SVG's pixels. */
const SCALE = 2;

const ENTITIES: Readonly<Record<string, string>> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"' };

/** Vega writes text for a font that may not be there: drawn as paths it looks the same everywhere. */
function withDrawnText(svg: string): string {
  return svg.replaceAll(/<text([^>]*)>([^<]*)<\/text>/g, (_, attributes: string, escaped: string) => {
    const attribute = (name: string): string => new RegExp(`${name}="([^"]*)"`).exec(attributes)?.[1] ?? '';
    const text = escaped.replaceAll(/&\w+;/g, (entity) => ENTITIES[entity] ?? entity);
    const { path, width } = lettering(text, Number.parseFloat(attribute('font-size')));
    const shift = { middle: width / 2, end: width }[attribute('text-anchor')] ?? 0;
    const place = `${attribute('transform')} translate(${(-shift).toFixed(2)},0)`;
    return `<path transform="${place}" fill="${attribute('fill')}" stroke="none" d="${path}"/>`;
  });
}

/** @param title of the numbers' axis */
async function drawSvg({ edges, groups }: Histogram, title: string): Promise<string> {
  const values = groups.flatMap(({ name, total, counts }) =>
    counts.map((count, bin) => ({ folder: `${name} (${total})`, from: edges[bin], to: edges[bin + 1], count })),
  );
  const folders = groups.map(({ name, total }) => `${name} (${total})`);
  const axis = { labelFontSize: 14, titleFontSize: 15, titleFontWeight: 'normal', grid: false };
  const view: TopLevelSpec = {
    width: 640,
    height: 380,
    padding: 16,
    background: '#fff',
    data: { values },
    mark: { type: 'bar', opacity: 0.55, binSpacing: 0 },
    encoding: {
      x: {
        field: 'from',
        bin: { binned: true },
        title,
        axis: { values: [...edges], labelOverlap: true, labelFlush: false },
      },
      x2: { field: 'to' },
      y: { field: 'count', type: 'quantitative', stack: null, title: 'photographs' },
      color: {
        field: 'folder',
        type: 'nominal',
        scale: { domain: folders, range: COLORS },
        legend: { orient: 'top', title: null, labelFontSize: 15, labelLimit: 300 },
      },
    },
    config: { view: { stroke: null }, axis: { ...axis, titleFontWeight: 'normal' } },
  };
  return withDrawnText(await new View(parse(compile(view).spec), { renderer: 'none' }).toSVG());
}

/** @throws InputError for a name that ends in neither .png nor .svg */
export function checkPictureName(file: string): void {
  if (['.png', '.svg'].includes(extname(file).toLowerCase())) return;
  throw new InputError({ expected: 'a name that ends in .png or .svg', found: file, where: '--picture' });
}

/**
 * Draws the labels of each folder over those of the others, as the tutorial does, into a .png or .svg file.
 * @param title of the numbers' axis, e.g. "length (cm)"
 */
export async function drawHistogram(histogram: Histogram, title: string, file: string): Promise<void> {
  checkPictureName(file);
  const svg = await drawSvg(histogram, title);
  const isSvg = extname(file).toLowerCase() === '.svg';
  await writeAtomically(
    file,
    isSvg
      ? svg
      : await sharp(Buffer.from(svg), { density: 72 * SCALE })
          .png()
          .toBuffer(),
  );
}
