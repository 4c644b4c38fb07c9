import type { Draw } from './draw.js';
import type { Scene } from './scene.js';
import { d, ellipse, filled, gradient, rect, stroked } from './shapes.js';

/** What is behind the animal, and the colour of grass or the like that may stand in front of it. */
export interface Backdrop {
  readonly svg: string;
  readonly tuft: string | undefined;
}

type Painter = (scene: Scene, horizon: number) => Backdrop;

function sky(width: number, horizon: number, top: string, low: string): string {
  return (
    gradient('sky', 0, horizon, [
      [0, top],
      [1, low],
    ]) + rect(-60, -60, width + 120, horizon + 80, 'url(#sky)')
  );
}

function floor(scene: Scene, horizon: number, far: string, near: string): string {
  const { width, height } = scene;
  return (
    gradient('floor', horizon, height, [
      [0, far],
      [1, near],
    ]) + rect(-60, horizon, width + 120, height - horizon + 60, 'url(#floor)')
  );
}

/** A line of hills across the picture. */
function hills(width: number, horizon: number, rise: number, color: string, draw: Draw): string {
  let path = d`M-60 ${horizon + 4} L-60 ${horizon - rise * 0.4} `;
  const step = (width + 120) / 4;
  for (let i = 0; i < 4; i++) {
    const x = -60 + i * step;
    path += d`Q${x + step / 2} ${horizon - rise * draw.uniform(0.5, 1.5)} ${x + step} ${horizon - rise * draw.uniform(0.2, 0.7)} `;
  }
  return filled(path + d`L${width + 60} ${horizon + 4} Z`, color);
}

function blades(
  count: number,
  scene: Scene,
  from: number,
  to: number,
  colors: readonly [string, ...string[]],
  tall: number,
): string {
  const { draw, width } = scene;
  const paths = new Map<string, string>();
  for (let i = 0; i < count; i++) {
    const y = draw.uniform(from, to);
    const x = draw.uniform(-10, width + 10);
    const size = tall * (0.35 + (0.65 * (y - from)) / Math.max(1, to - from));
    const color = draw.pick(colors);
    paths.set(
      color,
      `${paths.get(color) ?? ''}${d`M${x} ${y} q${draw.uniform(-3, 3)} ${-size * 0.6} ${draw.uniform(-7, 7)} ${-size}`}`,
    );
  }
  return [...paths].map(([color, path]) => stroked(path, color, 1.6, { opacity: 0.7 })).join('');
}

const meadow: Painter = (scene, horizon) => {
  const { draw, width, height } = scene;
  const clouds = Array.from({ length: draw.whole(1, 4) }, () => {
    const [x, y, r] = [draw.uniform(0, width), draw.uniform(0, horizon * 0.6), draw.uniform(14, 34)];
    return (
      ellipse(x, y, r * 2.2, r * 0.6, '#fff', { opacity: 0.75 }) +
      ellipse(x - r * 0.3, y - r * 0.4, r, r * 0.7, '#fff', { opacity: 0.75 })
    );
  });
  const svg =
    sky(width, horizon, draw.pick(['#5fa8e0', '#79b4dd', '#8fb7cf']), '#dcedf5') +
    clouds.join('') +
    hills(width, horizon, 70, '#88a98c', draw) +
    hills(width, horizon, 32, '#6c9a5c', draw) +
    floor(scene, horizon, '#86b458', draw.pick(['#4c7f33', '#5c8a35'])) +
    blades(260, scene, horizon + 4, height, ['#3f7030', '#699c42', '#a3c766'], 16);
  return { svg, tuft: '#4a8030' };
};

const savanna: Painter = (scene, horizon) => {
  const { draw, width, height } = scene;
  const x = draw.uniform(0.1, 0.9) * width;
  const tree =
    stroked(
      d`M${x} ${horizon + 6} q-4 -40 6 -72 M${x + 3} ${horizon - 40} q18 -18 34 -28 M${x + 2} ${horizon - 44} q-18 -14 -30 -22`,
      '#4b3a28',
      6,
    ) +
    ellipse(x + 6, horizon - 78, 74, 15, '#5d6b34') +
    ellipse(x - 14, horizon - 90, 46, 12, '#6d7a3d');
  const svg =
    sky(width, horizon, draw.pick(['#e9a25a', '#7db3d8', '#e7b878']), '#fbe9c6') +
    ellipse(draw.uniform(0, width), horizon * draw.uniform(0.3, 0.8), 26, 26, '#fff4d2', { opacity: 0.9 }) +
    hills(width, horizon, 26, '#c0a676', draw) +
    floor(scene, horizon, '#d9b972', '#a9813f') +
    tree +
    blades(240, scene, horizon + 4, height, ['#8d6a30', '#c9a353', '#e3c67c'], 20);
  return { svg, tuft: '#a27f3a' };
};

const forest: Painter = (scene, horizon) => {
  const { draw, width, height } = scene;
  const trunks = Array.from({ length: draw.whole(7, 12) }, (_, i) => {
    const wide = draw.uniform(10, 34);
    return rect(
      draw.uniform(-20, width),
      -60,
      wide,
      horizon + 60 + i * 2,
      draw.pick(['#4a3a2c', '#5b4836', '#3b3026', '#69553f']),
    );
  });
  const leaves = Array.from({ length: 16 }, () =>
    ellipse(
      draw.uniform(0, width),
      draw.uniform(-20, horizon * 0.5),
      draw.uniform(30, 80),
      draw.uniform(18, 44),
      draw.pick(['#2f5a35', '#3f6d3c', '#254a2e', '#57834a']),
      { opacity: 0.85 },
    ),
  );
  const svg =
    sky(width, horizon, '#9cbf9a', '#dbe8c8') +
    trunks.join('') +
    leaves.join('') +
    floor(scene, horizon, '#6b6f3f', '#4d4a2a') +
    blades(200, scene, horizon + 3, height, ['#3c5a2c', '#7a6a3a', '#557a3c'], 18);
  return { svg, tuft: '#3c5f2c' };
};

const snow: Painter = (scene, horizon) => {
  const { draw, width, height } = scene;
  const firs = Array.from({ length: draw.whole(4, 9) }, () => {
    const [x, tall] = [draw.uniform(-10, width), draw.uniform(60, 150)];
    const layers = [0, 1, 2].map(
      (i) =>
        d`M${x} ${horizon - tall + i * tall * 0.22} l${tall * (0.12 + i * 0.06)} ${tall * 0.4} l${-tall * (0.24 + i * 0.12)} 0 Z`,
    );
    return filled(layers.join(' '), draw.pick(['#2f4f4a', '#3d5f58', '#26403d']));
  });
  const flakes = Array.from({ length: 60 }, () =>
    ellipse(draw.uniform(0, width), draw.uniform(0, height), 1.6, 1.6, '#fff', { opacity: 0.8 }),
  );
  const svg =
    sky(width, horizon, draw.pick(['#8fa9c2', '#b9c7d6', '#6f8fb3']), '#eef3f7') +
    hills(width, horizon, 80, '#c4d2df', draw) +
    firs.join('') +
    floor(scene, horizon, '#eef4fa', '#c3d3e3') +
    flakes.join('');
  return { svg, tuft: undefined };
};

const room: Painter = (scene, horizon) => {
  const { draw, width, height } = scene;
  const wall = draw.pick(['#c9b8a4', '#a9bcc4', '#b7c2a3', '#d2b3a6', '#8f9aa8', '#d8cdb4']);
  const paper = Array.from({ length: Math.ceil(width / 36) + 2 }, (_, i) =>
    rect(i * 36 - 30, -60, 12, horizon + 60, '#fff', { opacity: 0.1 }),
  );
  const [x, y] = [draw.uniform(0.05, 0.6) * width, horizon * draw.uniform(0.08, 0.2)];
  const frame = draw.chance(0.5)
    ? rect(x, y, 150, horizon * 0.55, '#f7f4ec') +
      rect(x + 9, y + 9, 132, horizon * 0.55 - 18, '#a8d0ea') +
      rect(x + 71, y, 8, horizon * 0.55, '#f7f4ec') +
      rect(x, y + horizon * 0.26, 150, 8, '#f7f4ec')
    : rect(x, y, 110, 84, '#6d4b2c') +
      rect(x + 8, y + 8, 94, 68, draw.pick(['#e0d2a8', '#9cb7a0', '#c77d5a'])) +
      ellipse(x + 55, y + 50, 26, 15, '#4c5b6c', { opacity: 0.7 });
  const wood = draw.pick(['#a9794a', '#8a6a4c', '#c19a6b', '#7c8288']);
  const boards = Array.from({ length: 6 }, (_, i) => {
    const line = horizon + (height - horizon) * (i / 6) ** 1.4;
    return stroked(d`M-60 ${line} L${width + 60} ${line}`, '#000', 1.2, { opacity: 0.22 });
  });
  const rug = draw.chance(0.6)
    ? ellipse(
        width / 2,
        scene.ground + 4,
        width * 0.42,
        (height - horizon) * 0.3,
        draw.pick(['#8d3f3c', '#3f5f7d', '#5d7350', '#b58f4a']),
      ) + ellipse(width / 2, scene.ground + 4, width * 0.36, (height - horizon) * 0.23, '#fff', { opacity: 0.14 })
    : '';
  const svg =
    rect(-60, -60, width + 120, horizon + 70, wall) +
    paper.join('') +
    frame +
    floor(scene, horizon, wood, wood) +
    boards.join('') +
    rect(-60, horizon - 12, width + 120, 14, '#efe9dd') +
    rug;
  return { svg, tuft: undefined };
};

const brickWall: Painter = (scene, horizon) => {
  const { draw, width, height } = scene;
  const tone = draw.pick(['#a8573f', '#96604a', '#8b8680', '#b9775a']);
  let bricks = '';
  for (let row = 0; row * 18 < horizon + 20; row++) {
    for (let x = -60 + (row % 2) * 22; x < width + 60; x += 44) {
      bricks += rect(x, horizon - 17 - row * 18, 41, 15, tone, { opacity: draw.uniform(0.72, 1) });
    }
  }
  const svg =
    rect(-60, -60, width + 120, horizon + 60, '#d6cabb') +
    bricks +
    floor(scene, horizon, '#8d8a83', '#6f6c66') +
    blades(70, scene, horizon + 2, Math.min(height, horizon + 14), ['#5b7a3c', '#84a050'], 22);
  return { svg, tuft: '#5b7a3c' };
};

/** Paints a backdrop of the picture's own choice. */
export function backdropOf(scene: Scene): Backdrop {
  const { draw, ground, height } = scene;
  const painter =
    scene.species === 'tiger'
      ? draw.pick([meadow, savanna, savanna, forest, forest, snow])
      : draw.pick([room, room, room, brickWall, meadow, snow]);
  const horizon = Math.min(ground - height * 0.08, height * draw.uniform(0.52, 0.7));
  return painter(scene, horizon);
}
