import { coatOf, type Coat } from './coat.js';
import type { Draw } from './draw.js';
import { faceOf } from './face.js';
import type { Pose, Scene, Species } from './scene.js';
import { d, element, ellipse, filled, gradient, num, stroked } from './shapes.js';

/**
 * Measures of a body whose length (rump to front of head) is 1: x runs from the rump (0) to the front of the head (1),
 * y from the ground (0) downwards, so that heights are negative.
 */
interface Build {
  readonly belly: number;
  readonly back: number;
  readonly leg: number;
  readonly tail: number;
  readonly head: { readonly x: number; readonly y: number; readonly r: number };
}

const LEGS: Record<Pose, number> = { stand: 0.25, walk: 0.24, stalk: 0.13, lie: 0.02 };

function buildOf(species: Species, pose: Pose, draw: Draw): Build {
  const legs = LEGS[pose] * draw.uniform(0.94, 1.06);
  const thickness = (species === 'tiger' ? 0.27 : 0.25) * draw.uniform(0.95, 1.08);
  const r = species === 'tiger' ? 0.132 : 0.15;
  const lift = pose === 'stalk' ? draw.uniform(-0.1, 0) : draw.uniform(0.02, 0.12);
  return {
    belly: -legs,
    back: -legs - thickness,
    leg: species === 'tiger' ? 0.092 : 0.07,
    tail: species === 'tiger' ? 0.052 : 0.055,
    head: { x: 1 - r, y: -legs - thickness - lift, r },
  };
}

function bodyPath({ belly, back, head }: Build): string {
  const t = belly - back;
  const y = (share: number): number => belly - share * t;
  const neck = Math.min(y(1), head.y + head.r * 0.2);
  return (
    d`M0 ${y(0.55)} C0 ${y(0.95)} 0.07 ${y(1.03)} 0.18 ${y(1)} C0.34 ${y(0.93)} 0.48 ${y(0.93)} 0.6 ${y(1.04)}` +
    d` C0.68 ${y(1.12)} 0.74 ${neck} 0.8 ${neck} C0.88 ${neck} 0.9 ${y(0.75)} 0.85 ${y(0.5)}` +
    d` C0.82 ${y(0.2)} 0.76 ${y(0.02)} 0.66 ${y(0.02)} C0.52 ${y(0.02)} 0.36 ${y(0.14)} 0.24 ${y(0.1)}` +
    d` C0.1 ${y(0.02)} 0 ${y(0.15)} 0 ${y(0.55)} Z`
  );
}

/** The four legs as curves from hip or shoulder to paw: far ones first. */
function legPaths({ belly, back, leg }: Build, pose: Pose, draw: Draw): { path: string; paw: number; hind: boolean }[] {
  const t = belly - back;
  const top = belly - 0.35 * t;
  const foot = -leg * 0.42;
  const stride = pose === 'walk' ? draw.uniform(0.07, 0.13) : pose === 'stalk' ? draw.uniform(0.05, 0.09) : 0.015;
  const phase = draw.chance(0.5) ? 1 : -1;
  return [
    { hip: 0.17, hind: true, swing: -phase },
    { hip: 0.74, hind: false, swing: phase },
    { hip: 0.1, hind: true, swing: phase },
    { hip: 0.68, hind: false, swing: -phase },
  ].map(({ hip, hind, swing }) => {
    if (pose === 'lie') {
      const paw = hind ? hip + 0.18 : hip + 0.13;
      return { hind, paw, path: d`M${hip} ${top} Q${hip - 0.03} ${foot} ${paw} ${foot}` };
    }
    const paw = Math.max(leg / 2, hip + swing * stride);
    const knee = hind ? hip - 0.035 : hip + 0.02;
    return { hind, paw, path: d`M${hip} ${top} Q${knee} ${(top + foot) / 2} ${paw} ${foot}` };
  });
}

function tailPath({ belly, back }: Build, pose: Pose, draw: Draw): string {
  const root = back + (belly - back) * 0.22;
  const style = pose === 'lie' ? 'low' : draw.pick(['up', 'curl', 'low'] as const);
  if (style === 'up') {
    const top = root - draw.uniform(0.22, 0.34);
    return d`M0.04 ${root} C-0.1 ${root + 0.02} -0.1 ${top + 0.12} -0.07 ${top} C-0.05 ${top - 0.05} 0 ${top - 0.04} 0.02 ${top}`;
  }
  if (style === 'curl') {
    const low = root + draw.uniform(0.05, 0.14);
    return d`M0.04 ${root} C-0.08 ${root} -0.12 ${low} -0.19 ${low} C-0.27 ${low} -0.28 ${low - 0.1} -0.24 ${low - 0.14}`;
  }
  const low = Math.min(-0.03, root + draw.uniform(0.12, 0.24));
  return d`M0.04 ${root} C-0.06 ${root} -0.05 ${low} -0.14 ${low} C-0.2 ${low} -0.22 ${low - 0.02} -0.25 ${low - 0.06}`;
}

/** Stripes from the back downwards and from the belly upwards, each a bent wedge. */
function stripes({ belly, back }: Build, color: string, tiger: boolean, draw: Draw): string {
  const t = belly - back;
  const count = tiger ? draw.whole(10, 13) : draw.whole(7, 9);
  let marks = '';
  for (let i = 0; i < count; i++) {
    const x = 0.02 + (0.8 * (i + draw.uniform(0.2, 0.8))) / count;
    const half = (tiger ? draw.uniform(0.009, 0.017) : draw.uniform(0.008, 0.013)) * (i % 3 === 1 ? 0.75 : 1);
    const bend = draw.uniform(-0.035, 0.03);
    const tip = back + t * draw.uniform(0.5, 0.85);
    const middle = back + t * 0.35;
    marks += d`M${x - half} ${back - 0.1} Q${x + bend - half} ${middle} ${x + bend * 0.4} ${tip} Q${x + bend + half * 2} ${middle} ${x + half} ${back - 0.1} Z `;
    if (tiger && i % 2 === 0) {
      const foot = x + 0.035;
      marks += d`M${foot - half} ${belly + 0.02} Q${foot + bend} ${belly - t * 0.2} ${foot - bend} ${belly - t * draw.uniform(0.3, 0.45)} Q${foot + bend + half * 2} ${belly - t * 0.2} ${foot + half} ${belly + 0.02} Z `;
    }
  }
  return filled(marks, color);
}

function limb(path: string, width: number, coat: Coat, near: boolean): string {
  const color = coat.points ?? (near ? coat.base : coat.far);
  const rings =
    coat.marks === undefined
      ? ''
      : stroked(path, coat.marks, width, {
          'stroke-dasharray': `${num(width * 0.22)} ${num(width * 0.75)}`,
          'stroke-dashoffset': num(-width * 1.6),
          'stroke-linecap': 'butt',
          opacity: near ? 0.85 : 0.6,
        });
  return stroked(path, color, width) + rings;
}

/** The animal as SVG, from its rump to the front of its head exactly scene.length long. */
export function animalOf(scene: Scene): string {
  const { species, pose, draw, ground, rump, front } = scene;
  const coat = coatOf(species, draw);
  const build = buildOf(species, pose, draw);
  const { belly, back, leg, head } = build;
  const t = belly - back;
  const body = bodyPath(build);
  const legs = legPaths(build, pose, draw).map(({ path, paw, hind }, index) => {
    const near = index > 1;
    const toe = coat.socks ?? coat.points ?? (species === 'tiger' ? coat.pale : near ? coat.base : coat.far);
    const thigh = hind && near ? ellipse(0.13, belly - 0.36 * t, 0.115, t * 0.44, coat.base) : '';
    const foot = ellipse(paw + leg * 0.2, -leg * 0.36, leg * 0.72, leg * 0.36, near ? toe : coat.far);
    return thigh + limb(path, leg, coat, near) + foot;
  });
  const tail = tailPath(build, pose, draw);
  const lower = filled(
    d`M0.2 ${belly + 0.05} L0.9 ${belly + 0.05} L0.88 ${belly - t * 0.7} Q0.75 ${belly - t * 0.12} 0.2 ${belly - t * 0.16} Z`,
    coat.pale,
    { opacity: 0.85 },
  );
  const patches =
    coat.patch === undefined
      ? ''
      : [0.12, 0.42, 0.7]
          .map((x, i) =>
            ellipse(
              x + draw.uniform(-0.05, 0.05),
              back + t * 0.25,
              draw.uniform(0.07, 0.13),
              t * 0.42,
              i === 1 ? '#3a3532' : (coat.patch ?? ''),
              { transform: `rotate(${num(draw.uniform(-20, 20))} ${num(x)} ${num(back)})` },
            ),
          )
          .join('');
  const clip = element('clipPath', { id: 'body' }, element('path', { d: body }));
  const shade = gradient('shade', back - 0.06, belly + 0.02, [
    [0, '#fff', 0.2],
    [0.35, '#fff', 0],
    [0.55, '#000', 0],
    [1, '#000', 0.34],
  ]);
  const inside =
    lower + patches + (coat.marks === undefined ? '' : stripes(build, coat.marks, species === 'tiger', draw));
  const clipped = element('g', { 'clip-path': 'url(#body)' }, inside + filled(body, 'url(#shade)'));
  const nearHind = legs[2] ?? '';
  const content =
    element('defs', {}, clip + shade) +
    ellipse(0.48, 0.004, 0.56, 0.035, '#000', { opacity: 0.28 }) +
    limb(tail, build.tail, coat, true) +
    legs.slice(0, 2).join('') +
    filled(body, coat.base) +
    (pose === 'lie' ? nearHind + clipped : clipped + nearHind) +
    (legs[3] ?? '') +
    faceOf(species, coat, head, draw);
  return element(
    'g',
    { transform: `translate(${num(rump)} ${num(ground)}) scale(${num(front - rump)} ${num(Math.abs(front - rump))})` },
    content,
  );
}
