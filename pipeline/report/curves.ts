import { axisTitle, chart, COLORS, rule, type Chart, type Unit } from './chart.js';
import { errorsOf } from './errors-of.js';
import { splitsOf, type Reference, type RunReport } from './outcome.js';

const HEIGHT = 320;

/** About what axis and legend leave of it. */
const PLOT = HEIGHT - 85;

/** Pixels that a line's name takes above its line. */
const NAME_HEIGHT = 15;

const SIDES = ['left', 'right', 'center'] as const;

/**
 * Puts a name above each line, so that names of close lines do not cover each other: on the left where there is room,
 * else on the right, else in the middle (there are hardly more lines that close).
 * @param heights of the lines in pixels above the bottom, ascending
 */
export function namePlaces(heights: readonly number[]): (typeof SIDES)[number][] {
  const last = new Map<string, number>();
  return heights.map((height) => {
    const side = SIDES.find((each) => height - (last.get(each) ?? -Infinity) >= NAME_HEIGHT) ?? 'left';
    last.set(side, height);
    return side;
  });
}

const POSITIONS: Readonly<Record<(typeof SIDES)[number], Unit>> = {
  left: { x: 0, dx: 4 },
  right: { x: { expr: 'width' }, dx: -4 },
  center: { x: { expr: 'width / 2' } },
};

/** The names of reference lines, each at its line. */
function referenceNames(references: readonly Reference[], highest: number): Unit[] {
  const sorted = references.toSorted((a, b) => a.rmse - b.rmse);
  const places = namePlaces(sorted.map(({ rmse }) => (rmse / highest) * PLOT));
  return sorted.map(({ name, rmse }, index): Unit => {
    const align = places[index] ?? 'left';
    return {
      data: { values: [{ name, rmse }] },
      mark: { type: 'text', align, baseline: 'bottom', ...POSITIONS[align] },
      encoding: { y: { field: 'rmse', type: 'quantitative' }, text: { field: 'name' } },
    };
  });
}

/** The error after each epoch, with the best epoch, what simpler predictors reach and the noise floor as lines. */
export function learningCurves({ curves, outcomes, references, unit }: RunReport): Chart | undefined {
  if (curves.points.length === 0) return undefined;
  const series = [...new Set(curves.points.map((each) => each.series))];
  const best = curves.best === undefined ? [] : [rule(curves.best, 'x', [6, 4])];
  const shown = curves.inUnit ? references : [];
  const highest = Math.max(...curves.points.map(({ value }) => value), ...shown.map(({ rmse }) => rmse));
  const curve: Unit = {
    data: { values: curves.points },
    mark: { type: 'line', point: curves.points.length < 60 },
    encoding: {
      x: { field: 'epoch', type: 'quantitative', title: 'Epoch', axis: { tickMinStep: 1 } },
      y: {
        field: 'value',
        type: 'quantitative',
        title: curves.inUnit ? axisTitle('Root mean squared error', unit) : 'Loss',
      },
      color: {
        field: 'series',
        type: 'nominal',
        scale: { domain: series, range: COLORS.slice(0, series.length) },
        legend: { orient: 'top', title: null },
      },
    },
  };
  const kept = curves.best === undefined ? '' : ` The dashed line marks the best epoch (${curves.best}).`;
  const on = splitsOf(outcomes).at(-1) ?? '';
  const chance = shown.some(({ floor }) => floor) ? ', and the floor that chance in the labels sets on average' : '';
  const others = ` The dotted lines are what simpler predictors reach on the ${on} photographs${chance}.`;
  const text = `The error after each epoch.${kept}${shown.length === 0 ? '' : others}`;
  // Names last, so that no curve hides them.
  const layer = [
    ...best,
    ...shown.map(({ rmse }) => rule(rmse, 'y', [2, 3])),
    curve,
    ...referenceNames(shown, highest),
  ];
  return chart('curves', 'Learning curves', text, { height: HEIGHT, layer });
}

/** The head's error beside those of simpler predictors and the noise floor, on the split that chose the least. */
export function comparison({ outcomes, references, unit }: RunReport): Chart | undefined {
  const split = splitsOf(outcomes).at(-1);
  if (split === undefined || references.length === 0) return undefined;
  const { rmse } = errorsOf(outcomes.filter((outcome) => outcome.split === split));
  const values = [{ name: 'this head', rmse, head: true }, ...references].toSorted((a, b) => b.rmse - a.rmse);
  const text = `The root mean squared error on the ${split} photographs, of this head and of what it is compared with.`;
  const y = { field: 'name', type: 'nominal', sort: null, title: null, axis: { labelLimit: 120 } };
  const x = { field: 'rmse', type: 'quantitative', title: axisTitle('RMSE', unit) };
  return chart('comparison', 'Compared with simpler predictors', text, {
    height: 60 + 30 * values.length,
    data: { values },
    mark: { type: 'bar', size: 16 },
    encoding: {
      y,
      x,
      color: { condition: { test: 'datum.head', value: COLORS[1] }, value: COLORS[0] },
    },
  });
}
