import type { Draw } from './draw.js';
import type { Species } from './scene.js';

/** The colours of an animal. */
export interface Coat {
  readonly base: string;
  readonly pale: string;
  readonly far: string;
  /** Stripes and rings; absent on a plain coat. */
  readonly marks?: string;
  /** Large spots of a calico. */
  readonly patch?: string;
  /** Dark face, legs and tail of a siamese. */
  readonly points?: string;
  readonly socks?: string;
  readonly eyes: string;
  readonly nose: string;
}

const TIGERS = [
  { base: '#e8862a', pale: '#fbeed8', far: '#b9651c', marks: '#1d1511', eyes: '#e7c84b', nose: '#c4706a' },
  { base: '#d97421', pale: '#f6e2c4', far: '#a95a19', marks: '#241a12', eyes: '#d9b53c', nose: '#b8655f' },
  { base: '#f0a04b', pale: '#fff3e0', far: '#c07a32', marks: '#2a1d14', eyes: '#cbd35a', nose: '#c97b74' },
  { base: '#eee8dc', pale: '#ffffff', far: '#bdb6a8', marks: '#2b2a2c', eyes: '#8fc7e8', nose: '#d58f8a' },
] as const satisfies readonly Coat[];

const CATS = [
  { base: '#8d8a86', pale: '#d9d5cf', far: '#6a6763', marks: '#4a4743', eyes: '#b9cf4f', nose: '#a96a66' },
  { base: '#d9a05f', pale: '#f8e6cc', far: '#aa7a44', marks: '#b0702f', eyes: '#d7c04a', nose: '#c98079' },
  { base: '#34323a', pale: '#4a4852', far: '#232228', eyes: '#e3cf45', nose: '#5a4a50' },
  { base: '#34323a', pale: '#f4f1ec', far: '#232228', socks: '#f4f1ec', eyes: '#9fce5b', nose: '#c98f8b' },
  { base: '#f4f0e9', pale: '#ffffff', far: '#c9c3b8', eyes: '#78b8e0', nose: '#e0a09a' },
  { base: '#f2ede3', pale: '#ffffff', far: '#c7c0b3', patch: '#c9772f', eyes: '#a7c95a', nose: '#dc9b94' },
  { base: '#e6d8c0', pale: '#f3ead9', far: '#b9aa90', points: '#574236', eyes: '#6fb2e6', nose: '#4b3830' },
  { base: '#77828f', pale: '#95a0ac', far: '#5a636e', eyes: '#e0b64a', nose: '#56606b' },
] as const satisfies readonly Coat[];

/** White tigers are rare, and a uniform choice would make them a quarter. */
const PLENTY = [...TIGERS.slice(0, 3), ...TIGERS.slice(0, 3)] as const;

export function coatOf(species: Species, draw: Draw): Coat {
  return species === 'tiger' ? draw.pick<Coat>([TIGERS[3], ...PLENTY]) : draw.pick<Coat>(CATS);
}
