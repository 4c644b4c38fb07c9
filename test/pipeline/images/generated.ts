import sharp, { type Sharp } from 'sharp';

/** The picture all others are made of: four quarters, red and green above, blue and white below; 64x48. */
export function quarters(): Sharp {
  const pixels = new Uint8Array(64 * 48 * 3);
  for (let y = 0; y < 48; y++) {
    for (let x = 0; x < 64; x++) {
      const colour = y < 24 ? (x < 32 ? [200, 30, 40] : [20, 180, 60]) : x < 32 ? [30, 40, 220] : [250, 250, 250];
      pixels.set(colour, (y * 64 + x) * 3);
    }
  }
  return sharp(pixels, { raw: { width: 64, height: 48, channels: 3 } });
}
