import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
// oxlint-disable-next-line import/default -- Node loads the CommonJS build, which has only a default export
import opentype from 'opentype.js';

/**
 * Text as an SVG path, so that it looks the same on a machine without any font installed. The font is DejaVu Sans,
 * which is matplotlib's too; it covers Latin, Greek and Cyrillic, and shows a box for a character beyond these.
 */
export interface Lettering {
  /** SVG path data with the baseline's start at x = 0, y = 0. */
  readonly path: string;
  /** In pixels. */
  readonly width: number;
}

const require = createRequire(import.meta.url);

let loaded: opentype.Font | undefined;

function font(): opentype.Font {
  if (loaded === undefined) {
    const bytes = readFileSync(require.resolve('@fontsource/dejavu-sans/files/dejavu-sans-latin-400-normal.woff'));
    // oxlint-disable-next-line import/no-named-as-default-member -- the same
    loaded = opentype.parse(new Uint8Array(bytes).buffer);
  }
  return loaded;
}

/** @param size of the font in pixels */
export function lettering(text: string, size: number): Lettering {
  const { unitsPerEm } = font();
  let width = 0;
  let path = '';
  // Glyph by glyph: the library's own layout of a whole text refuses this font's substitution tables.
  for (const character of text.normalize('NFC')) {
    const glyph = font().charToGlyph(character);
    path += glyph.getPath(width, 0, size).toPathData(2);
    width += ((glyph.advanceWidth ?? unitsPerEm) * size) / unitsPerEm;
  }
  return { path, width };
}

/** The text, its end cut off and marked with an ellipsis where it is wider than `width` pixels. */
export function fitted(text: string, size: number, width: number): Lettering {
  const whole = lettering(text, size);
  if (whole.width <= width) return whole;
  let room = width - lettering('…', size).width;
  const kept: string[] = [];
  for (const character of text) {
    room -= lettering(character, size).width;
    if (room < 0) break;
    kept.push(character);
  }
  return lettering(`${kept.join('')}…`, size);
}
