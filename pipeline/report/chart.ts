import { compile, type TopLevelSpec } from 'vega-lite';

/** A chart of a page: a compiled Vega spec whose data sets the page fills by name. */
export interface Chart {
  readonly id: string;
  readonly title: string;
  /** What a person who does not see it should know. */
  readonly description: string;
  readonly spec: object;
  /** Whether a point is a photograph, which the page shows when the pointer is on it. */
  readonly points: boolean;
}

/** Middle tones that stand out by 3:1 at least on white and on the dark page alike; shapes tell splits apart too. */
export const COLORS = ['#6b7f99', '#d2691e', '#2a8f6d', '#9b59b6', '#c0477a', '#8a7a2f', '#3f86c9', '#b0533c'];

export type Unit = Record<string, unknown>;

/** Compiles a Vega-Lite view that is as wide as its place on the page. */
export function chart(id: string, title: string, description: string, view: Unit, points = false): Chart {
  const spec = {
    width: 'container',
    height: 280,
    autosize: { type: 'fit', contains: 'padding', resize: true },
    background: 'transparent',
    description,
    ...view,
    config: { view: { stroke: null }, font: 'system-ui, sans-serif', aria: false, axis: { labelSeparation: 6 } },
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- compile checks it; the type has thousands of members
  const { spec: vega } = compile(spec as unknown as TopLevelSpec);
  return { id, title, description, spec: { ...vega, description }, points };
}

export const rule = (value: number, channel: 'x' | 'y', dash: number[]): Unit => ({
  data: { values: [{ value }] },
  mark: { type: 'rule', strokeDash: dash, color: '#808080' },
  encoding: { [channel]: { field: 'value', type: 'quantitative' } },
});

export const point: Unit = { type: 'point', filled: true, size: 46, opacity: 0.78, cursor: 'pointer' };

export function axisTitle(name: string, unit: string): string {
  return unit === '' ? name : `${name} (${unit})`;
}
