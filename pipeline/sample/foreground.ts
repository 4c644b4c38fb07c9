import { BAND, STICK_HEIGHT, type Scene } from './scene.js';
import { d, element, ellipse, filled, gradient, rect, stroked } from './shapes.js';

/** The measuring stick, upright on the animal's ground: bands of 10 cm, red and white in turn from the ground. */
export function stickOf({ species, scale, ground, stick }: Scene): string {
  const wide = Math.max(7, 3.2 * scale);
  const bands = STICK_HEIGHT[species] / BAND;
  let svg = ellipse(stick + wide * 0.8, ground + 2, wide * 1.5, wide * 0.35, '#000', { opacity: 0.3 });
  for (let i = 0; i < bands; i++) {
    svg += rect(
      stick - wide / 2,
      ground - (i + 1) * BAND * scale,
      wide,
      BAND * scale,
      i % 2 === 0 ? '#d0202a' : '#fafafa',
    );
  }
  const whole = STICK_HEIGHT[species] * scale;
  return (
    svg +
    rect(stick - wide / 2, ground - whole, wide, whole, 'none', { stroke: '#222', 'stroke-width': 1 }) +
    rect(stick + wide * 0.12, ground - whole, wide * 0.38, whole, '#000', { opacity: 0.16 })
  );
}

/** What may hide a part of the animal, never its outline's two ends. */
export function occlusionOf(scene: Scene, tuft: string | undefined): string {
  const { draw, ground, rump, front, length, scale } = scene;
  if (!draw.chance(0.4)) return '';
  const long = length * scale;
  const x = rump + (front - rump) * draw.uniform(0.25, 0.65);
  if (tuft === undefined) {
    const r = long * draw.uniform(0.06, 0.11);
    const color = draw.pick(['#c8433a', '#3b76b5', '#e0b13a', '#5a9a5a']);
    return (
      ellipse(x, ground + r * 0.95, r * 1.1, r * 0.18, '#000', { opacity: 0.3 }) +
      ellipse(x, ground + r * 0.05, r, r, color) +
      stroked(d`M${x - r * 0.95} ${ground} Q${x} ${ground + r * 0.6} ${x + r * 0.95} ${ground}`, '#fff', r * 0.16, {
        opacity: 0.7,
        'stroke-linecap': 'butt',
      }) +
      ellipse(x - r * 0.35, ground - r * 0.35, r * 0.22, r * 0.16, '#fff', { opacity: 0.5 })
    );
  }
  if (draw.chance(0.3)) {
    const [w, h] = [long * draw.uniform(0.12, 0.2), long * draw.uniform(0.08, 0.16)];
    return (
      filled(
        d`M${x - w} ${ground + 8} Q${x - w} ${ground - h} ${x - w * 0.2} ${ground - h} Q${x + w * 0.9} ${ground - h * 0.8} ${x + w} ${ground + 8} Z`,
        '#7b7770',
      ) +
      filled(
        d`M${x - w * 0.7} ${ground - h * 0.5} Q${x - w * 0.5} ${ground - h * 0.95} ${x - w * 0.1} ${ground - h * 0.9} Q${x + w * 0.2} ${ground - h * 0.6} ${x - w * 0.7} ${ground - h * 0.5} Z`,
        '#a09b93',
      )
    );
  }
  let path = '';
  const spread = long * draw.uniform(0.08, 0.2);
  for (let i = 0; i < 34; i++) {
    const at = x + draw.uniform(-spread, spread);
    path += d`M${at} ${ground + draw.uniform(2, 12)} q${draw.uniform(-5, 5)} ${-long * 0.09} ${draw.uniform(-14, 14)} ${-long * draw.uniform(0.1, 0.25)}`;
  }
  return stroked(path, tuft, Math.max(2, long * 0.009));
}

/** The light of the hour over the whole picture: a colour cast, a beam from one side, darker corners. */
export function lightOf({ draw, width, height }: Scene): string {
  const [cast, opacity] = draw.pick<readonly [string, number]>([
    ['#ffb866', 0.16],
    ['#3a5a9a', 0.2],
    ['#15204a', 0.4],
    ['#ffffff', 0.1],
    ['#ffe9c0', 0.08],
    ['#000000', 0],
    ['#000000', 0.08],
  ]);
  const fromLeft = draw.chance(0.5);
  const beam = element(
    'linearGradient',
    { id: 'beam', x1: fromLeft ? 0 : 1, y1: 0, x2: fromLeft ? 1 : 0, y2: 0.6 },
    element('stop', { offset: 0, 'stop-color': '#fff', 'stop-opacity': draw.uniform(0.02, 0.2) }) +
      element('stop', { offset: 0.6, 'stop-color': '#fff', 'stop-opacity': 0 }) +
      element('stop', { offset: 1, 'stop-color': '#000', 'stop-opacity': draw.uniform(0.02, 0.22) }),
  );
  const corners = gradient('top', 0, height, [
    [0, '#000', 0.12],
    [0.25, '#000', 0],
    [0.85, '#000', 0],
    [1, '#000', 0.16],
  ]);
  return (
    beam +
    corners +
    ['url(#beam)', 'url(#top)'].map((fill) => rect(0, 0, width, height, fill)).join('') +
    rect(0, 0, width, height, cast, { opacity })
  );
}
