import sharp from 'sharp';
import { animalOf } from './animal.js';
import { backdropOf } from './backdrop.js';
import { lightOf, occlusionOf, stickOf } from './foreground.js';
import { sceneOf, type Scene } from './scene.js';
import { element, num } from './shapes.js';

/** The scene as SVG without any text, so that no font is needed. */
export function svgOf(scene: Scene): string {
  const { width, height, rump, front, stick, roll } = scene;
  const backdrop = backdropOf(scene);
  const animal = animalOf(scene);
  const measure = stickOf(scene);
  const beside = stick < Math.min(rump, front) || stick > Math.max(rump, front);
  const layers = [backdrop.svg, beside ? measure + animal : animal + measure, occlusionOf(scene, backdrop.tuft)];
  const turned = element(
    'g',
    { transform: `rotate(${num(roll)} ${num(width / 2)} ${num(height / 2)})` },
    layers.join(''),
  );
  const size = { xmlns: 'http://www.w3.org/2000/svg', width, height, viewBox: `0 0 ${width} ${height}` };
  return element('svg', size, turned + lightOf(scene));
}

/** Picture k of a seed as JPEG: the same bytes each time, whatever else is drawn. */
export async function drawPicture(seed: number, k: number): Promise<Buffer> {
  const scene = sceneOf(seed, k);
  const svg = Buffer.from(svgOf(scene));
  const brightness = scene.draw.uniform(0.88, 1.1);
  const saturation = scene.draw.uniform(0.75, 1.12);
  const focus = scene.draw.uniform(0.3, 0.9);
  const quality = scene.draw.whole(84, 93);
  const picture = sharp(svg).flatten({ background: '#fff' }).modulate({ brightness, saturation }).blur(focus);
  return picture.jpeg({ quality }).toBuffer();
}
