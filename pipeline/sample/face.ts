import type { Coat } from './coat.js';
import type { Draw } from './draw.js';
import type { Species } from './scene.js';
import { d, element, ellipse, filled, num, stroked } from './shapes.js';

/** Ears: round on a tiger, pointed on a cat. Within the head's width, so that they never change the length. */
function ears(species: Species, coat: Coat): string {
  const color = coat.points ?? coat.base;
  return [-1, 1]
    .map((side) =>
      species === 'tiger'
        ? ellipse(side * 0.68, -0.74, 0.27, 0.27, coat.marks ?? color) +
          ellipse(side * 0.66, -0.7, 0.16, 0.16, coat.pale)
        : filled(d`M${side * 0.92} ${-0.25} L${side * 0.8} ${-1.3} L${side * 0.16} ${-0.78} Z`, color, {
            'stroke-linejoin': 'round',
            stroke: color,
            'stroke-width': 0.08,
          }) +
          filled(d`M${side * 0.78} ${-0.55} L${side * 0.73} ${-1.08} L${side * 0.38} ${-0.8} Z`, coat.nose, {
            opacity: 0.75,
          }),
    )
    .join('');
}

function markings(species: Species, coat: Coat): string {
  if (coat.marks === undefined) return '';
  const brow = [-0.3, 0, 0.3].map(
    (x) =>
      d`M${x - 0.05} ${-0.84} Q${x * 0.8} ${-0.6} ${x * 0.55} ${-0.42} Q${x * 0.8 + 0.09} ${-0.6} ${x + 0.06} ${-0.84} Z`,
  );
  if (species === 'kittycat') return filled(brow.join(' '), coat.marks, { opacity: 0.8 });
  const cheeks = [-1, 1].flatMap((side) =>
    [-0.28, 0.02, 0.3].map(
      (y) =>
        d`M${side * 0.98} ${y - 0.07} Q${side * 0.75} ${y - 0.02} ${side * 0.58} ${y + 0.1} Q${side * 0.78} ${y + 0.08} ${side * 0.97} ${y + 0.07} Z`,
    ),
  );
  return filled([...brow, ...cheeks].join(' '), coat.marks);
}

/** A head that looks at the camera; its outermost point is head.x + head.r. */
export function faceOf(species: Species, coat: Coat, head: { x: number; y: number; r: number }, draw: Draw): string {
  const look = draw.uniform(-0.06, 0.06);
  const tilt = draw.uniform(-6, 6);
  const lids = draw.uniform(0.75, 1);
  const eyes = [-0.38, 0.38]
    .map((x) => {
      const white = ellipse(x, -0.12, 0.19, 0.2 * lids, coat.eyes, { stroke: '#1a1512', 'stroke-width': 0.05 });
      const pupil = ellipse(
        x + look,
        -0.12,
        species === 'tiger' ? 0.085 : 0.065,
        (species === 'tiger' ? 0.095 : 0.15) * lids,
        '#120e0c',
      );
      return white + pupil + ellipse(x + 0.05 + look, -0.19, 0.035, 0.035, '#fff');
    })
    .join('');
  const muzzle = coat.points ?? coat.pale;
  const whiskers = [-1, 1]
    .flatMap((side) =>
      [-0.06, 0.05, 0.16].map(
        (dy) => d`M${side * 0.3} ${0.4 + dy * 0.4} Q${side * 0.6} ${0.38 + dy} ${side * 0.93} ${0.36 + dy * 1.8}`,
      ),
    )
    .join(' ');
  const content =
    ears(species, coat) +
    ellipse(0, 0, 1, 0.87, coat.base) +
    (coat.patch === undefined
      ? ''
      : filled(d`M0 ${-0.86} Q0.9 ${-0.8} 0.93 ${-0.2} Q0.5 ${0.1} 0.12 ${-0.1} Z`, coat.patch)) +
    (species === 'tiger' ? ellipse(-0.62, 0.3, 0.3, 0.34, coat.pale) + ellipse(0.62, 0.3, 0.3, 0.34, coat.pale) : '') +
    (coat.points === undefined ? '' : ellipse(0, 0.15, 0.62, 0.6, coat.points, { opacity: 0.9 })) +
    markings(species, coat) +
    ellipse(-0.2, 0.42, 0.3, 0.25, muzzle) +
    ellipse(0.2, 0.42, 0.3, 0.25, muzzle) +
    ellipse(0, 0.6, 0.2, 0.17, muzzle) +
    filled(d`M-0.16 0.18 Q0 0.1 0.16 0.18 Q0.1 0.34 0 0.38 Q-0.1 0.34 -0.16 0.18 Z`, coat.nose) +
    stroked(d`M0 0.38 L0 0.48 M-0.2 0.52 Q-0.08 0.6 0 0.48 Q0.08 0.6 0.2 0.52`, '#2a1d18', 0.045) +
    stroked(whiskers, '#fff', 0.025, { opacity: 0.85 }) +
    eyes;
  return element(
    'g',
    { transform: `translate(${num(head.x)} ${num(head.y)}) rotate(${num(tilt)}) scale(${num(head.r)})` },
    content,
  );
}
