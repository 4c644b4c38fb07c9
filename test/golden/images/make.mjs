// Makes the files beside it (once: a new encoder must not move the goldens of the decoder). Drawn, no photographs.
import { writeFile } from 'node:fs/promises';
import sharp from 'sharp';

const [width, height] = [300, 260];

/** Smooth waves in each channel, so that each step of decoding and scaling shows in the pixels. */
function draw(channels) {
  const values = new Uint8Array(width * height * channels);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < channels; c++) {
        const wave = Math.sin(x / (9 + 4 * c)) * Math.cos(y / (13 - 3 * c)) + (x + y) / (width + height);
        values[(y * width + x) * channels + c] = Math.round(Math.min(1, Math.max(0, wave / 3 + 0.35)) * 255);
      }
    }
  }
  return sharp(values, { raw: { width, height, channels } });
}

const files = {
  'rgb.jpg': draw(3).jpeg({ quality: 85 }),
  'progressive.jpg': draw(3).jpeg({ quality: 85, progressive: true, chromaSubsampling: '4:4:4' }),
  'grey.jpg': draw(1).toColourspace('b-w').jpeg({ quality: 85 }),
  'cmyk.jpg': draw(3).toColourspace('cmyk').jpeg({ quality: 85 }),
  'turned.jpg': draw(3).jpeg({ quality: 85 }).withMetadata({ orientation: 6 }),
  'lossy.webp': draw(3).webp({ quality: 80 }),
  'alpha.webp': draw(4).webp({ quality: 80 }),
  'rgb.avif': draw(3).avif({ quality: 60 }),
};
for (const [name, image] of Object.entries(files))
  await writeFile(new URL(name, import.meta.url), await image.toBuffer());
