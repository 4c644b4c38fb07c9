import { drawFrom } from './draw.js';
import type { Draw } from './draw.js';

export type Species = 'tiger' | 'kittycat';

/** The animals' lengths in cm: a normal distribution cut off below, as in the tutorial that pool5 follows. */
const LENGTHS = {
  tiger: { mean: 100, deviation: 30, least: 20 },
  kittycat: { mean: 40, deviation: 8, least: 10 },
} as const;

/** The measuring stick has bands of 10 cm, red and white in turn; its height in cm goes with the animal. */
export const BAND = 10;
export const STICK_HEIGHT = { tiger: 100, kittycat: 60 } as const;

/** How many cm the centre square's edge shows at the animal: the camera's distance. */
const VIEW = { tiger: [150, 215], kittycat: [82, 120] } as const;

const SIZES = [
  [640, 480],
  [640, 480],
  [640, 427],
  [720, 480],
  [480, 640],
  [560, 560],
] as const;

const POSES = ['stand', 'walk', 'walk', 'stalk', 'lie'] as const;
export type Pose = (typeof POSES)[number];

/** One picture before it is drawn. Pixels count from the picture's top left corner. */
export interface Scene {
  readonly species: Species;
  /** From rump to the front of the head, in cm, to one decimal: the label. */
  readonly length: number;
  readonly width: number;
  readonly height: number;
  /** Pixels for a cm at the animal's distance; stick and animal share it. */
  readonly scale: number;
  /** Where the animal stands: y of the ground under it, x of its rump and of the front of its head. */
  readonly ground: number;
  readonly rump: number;
  readonly front: number;
  readonly stick: number;
  readonly pose: Pose;
  /** Roll of the camera in degrees. */
  readonly roll: number;
  /** Drives the details: coat, backdrop, light, what stands in front. */
  readonly draw: Draw;
}

/** Picture k (1, 2, ...): tigers at odd k, cats at even k. */
export function speciesOf(k: number): Species {
  return k % 2 === 1 ? 'tiger' : 'kittycat';
}

/** The label of picture k in cm, to one decimal. Its stream is its own: a change to the drawing leaves labels alone. */
export function lengthOf(seed: number, k: number): number {
  const { mean, deviation, least } = LENGTHS[speciesOf(k)];
  const length = drawFrom(`pool5 sample ${seed} length ${k}`).normal(mean, deviation);
  return Number(Math.max(least, length).toFixed(1));
}

/** Chooses everything about picture k. Animal and stick lie in the centre square, which is all that pool5 sees. */
export function sceneOf(seed: number, k: number): Scene {
  const species = speciesOf(k);
  const length = lengthOf(seed, k);
  const draw = drawFrom(`pool5 sample ${seed} picture ${k}`);
  const [width, height] = draw.pick(SIZES);
  const edge = Math.min(width, height);
  const [near, far] = VIEW[species];
  const view = Math.max(draw.uniform(near, far), length * 1.16);
  const scale = edge / view;
  const left = (width - edge) / 2 + edge * 0.06;
  const right = (width + edge) / 2 - edge * 0.06;
  const ground = (height - edge) / 2 + edge * draw.uniform(0.84, 0.9);
  const slack = Math.max(0, right - left - length * scale);
  const start = left + slack * draw.uniform(0.1, 0.9);
  const end = start + length * scale;
  const facesRight = draw.chance(0.5);
  const pose = draw.pick(POSES);
  return {
    species,
    length,
    width,
    height,
    scale,
    ground,
    rump: facesRight ? start : end,
    front: facesRight ? end : start,
    stick:
      start - left > right - end
        ? draw.uniform(left, Math.max(left, start - 14))
        : draw.uniform(Math.min(right, end + 14), right),
    pose,
    roll: draw.uniform(-2.5, 2.5),
    draw,
  };
}
