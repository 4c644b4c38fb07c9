import { axisTitle, chart, COLORS, point, rule, type Chart, type Unit } from './chart.js';
import { chartFigure, documentOf } from './document.js';
import { galleryOf } from './gallery.js';
import { factsOf, html, notesOf, table, type Html } from './html.js';
import { machineRows } from '../machine.js';
import { decimalsFor, groupsOf } from './outcome.js';
import { flatten, UNRECORDED } from './run-report.js';
import type { SweepEstimate, SweepFiles } from './sweep-files.js';

/** What all seeds of the best setting say of a photograph that they did not train on. */
export interface Disagreement {
  readonly id: string;
  readonly target: number;
  /** Mean of the predictions. */
  readonly prediction: number;
  /** Their standard deviation (n - 1). */
  readonly spread: number;
  readonly count: number;
}

/** How the best setting's seeds differ on each photograph, where at least two of them did not train on it. */
export function disagreements({ sweep, runs, photographs }: SweepFiles): Disagreement[] {
  const chosen = runs.filter(({ label, record }) => label === sweep.best?.label && record.failure === null);
  return photographs.flatMap(({ id, target }, index) => {
    const values = chosen.flatMap(({ record }) => {
      const value = record.predictions[index];
      return value === undefined || record.parts[index] === 'train' ? [] : [value];
    });
    if (values.length < 2) return [];
    const prediction = values.reduce((sum, value) => sum + value, 0) / values.length;
    const squares = values.reduce((sum, value) => sum + (value - prediction) ** 2, 0);
    return [{ id, target, prediction, spread: Math.sqrt(squares / (values.length - 1)), count: values.length }];
  });
}

interface Row {
  readonly name: string;
  readonly mean: number;
  readonly low?: number;
  readonly high?: number;
}

function rowOf(name: string, { mean, interval }: SweepEstimate): Row {
  return interval === null ? { name, mean } : { name, mean, low: interval[0], high: interval[1] };
}

/** A dot for each mean with its interval as a line. */
function intervals(
  id: string,
  title: string,
  description: string,
  axis: string,
  rows: readonly Row[],
  lines: readonly number[],
): Chart {
  const y = {
    field: 'name',
    type: 'nominal',
    sort: null,
    title: null,
    axis: { labelLimit: 160, labelExpr: "split(datum.label, '\\n')" },
  };
  const x = (field: string): Unit => ({ field, type: 'quantitative', title: axis, scale: { zero: false } });
  const bars = {
    mark: { type: 'rule', size: 3, color: COLORS[0] },
    encoding: { y, x: x('low'), x2: { field: 'high' } },
  };
  const dots = { mark: { type: 'point', filled: true, size: 90, color: COLORS[1] }, encoding: { y, x: x('mean') } };
  const layer = [...lines.map((value) => rule(value, 'x', [6, 4])), bars, dots];
  return chart(id, title, description, { height: 60 + 34 * rows.length, data: { values: rows }, layer });
}

function curves({ runs }: SweepFiles): Chart | undefined {
  const labels = [...new Set(runs.map(({ label }) => label))];
  const values = runs.flatMap(({ label, record }, run) =>
    record.history.flatMap(({ epoch, validationLoss }) =>
      validationLoss === null ? [] : [{ run, label, epoch, validationLoss }],
    ),
  );
  if (values.length === 0) return undefined;
  const range = labels.map((_, index) => COLORS[index % COLORS.length] ?? COLORS[0]);
  const legend = { orient: 'top', title: null, columns: 2, labelLimit: 220 };
  return chart(
    'curves',
    'Learning curves of all seeds',
    'The validation loss after each epoch: a line for each run, a colour for each setting.',
    {
      data: { values },
      mark: { type: 'line', opacity: 0.5, strokeWidth: 1.5 },
      encoding: {
        x: { field: 'epoch', type: 'quantitative', title: 'Epoch', axis: { tickMinStep: 1 } },
        y: { field: 'validationLoss', type: 'quantitative', title: 'Validation loss' },
        detail: { field: 'run', type: 'nominal' },
        color: { field: 'label', type: 'nominal', scale: { domain: labels, range }, legend },
      },
    },
  );
}

function spreads(unit: string): Chart {
  const description =
    'Each point is a photograph: how far the predictions of different seeds lie apart (standard deviation), over its true value.';
  return chart(
    'spread',
    'Disagreement between seeds',
    description,
    {
      data: { name: 'photographs' },
      mark: { ...point, color: COLORS[1] },
      encoding: {
        x: { field: 'target', type: 'quantitative', scale: { zero: false }, title: axisTitle('True', unit) },
        y: { field: 'spread', type: 'quantitative', title: axisTitle('Between seeds', unit) },
      },
    },
    true,
  );
}

function estimateText(value: SweepEstimate | null): string {
  if (value === null) return '–';
  const [low, high] = value.interval ?? [];
  const between = low === undefined || high === undefined ? '' : ` (${low.toPrecision(4)} to ${high.toPrecision(4)})`;
  return `${value.mean.toPrecision(4)}${between}`;
}

function tables({ sweep }: SweepFiles): Html {
  const unit = sweep.unit === '' ? '' : ` (${sweep.unit})`;
  const rows = sweep.variants.map(({ label, runs, failed, metrics }) => [
    label,
    failed === 0 ? String(runs) : `${runs - failed} of ${runs}`,
    ...[metrics.rmse, metrics.mae, metrics.r2].map(estimateText),
  ]);
  const differences = sweep.differences.map(({ one, other, rmse }) => [`${one} − ${other}`, estimateText(rmse)]);
  return html`${table('On photographs that chose nothing: mean (95 % interval)', ['Setting', 'Runs', `RMSE${unit}`, `MAE${unit}`, 'R²'], rows)}
  ${differences.length === 0 ? undefined : table('Differences over the same seeds (95 % interval)', ['Settings', `RMSE${unit}`], differences)}`;
}

/**
 * A sweep's page.
 * @param seen what `disagreements` returns
 * @param thumbnails base64 WebP for each of them, in their order
 */
export function sweepPage(
  files: SweepFiles,
  seen: readonly Disagreement[],
  thumbnails: readonly (string | undefined)[],
  notes: readonly string[],
): Promise<string> {
  const { sweep } = files;
  const { unit, variants, differences, best } = sweep;
  const decimals = decimalsFor(seen.map(({ target }) => target));
  const groups = groupsOf(seen.map(({ id }) => id));
  const photographs = seen.map(({ id, target, prediction, spread }, index) => ({
    index,
    id,
    split: 'unseen',
    group: groups.get(id) ?? '',
    target,
    prediction,
    residual: prediction - target,
    spread,
    thumbnail: thumbnails[index],
  }));
  const settings = variants.flatMap(({ label, metrics }) =>
    metrics.rmse === null ? [] : [rowOf(label, metrics.rmse)],
  );
  const pairs = differences.map(({ one, other, rmse }) => rowOf(`${one}\n− ${other}`, rmse));
  const axis = axisTitle('Root mean squared error', unit);
  const { floor } = files;
  const chance =
    floor === undefined
      ? ''
      : ` The dashed line is the floor that chance in the labels sets on average (${floor.toPrecision(3)}).`;
  const charts = [
    settings.length === 0
      ? undefined
      : intervals(
          'settings',
          'Error by setting',
          `The mean over seeds with its 95 % interval, on photographs that chose nothing.${chance}`,
          axis,
          settings,
          floor === undefined ? [] : [floor],
        ),
    pairs.length === 0
      ? undefined
      : intervals(
          'differences',
          'Paired differences',
          'The mean difference over the same seeds with its 95 % interval: where it holds 0, no difference was seen.',
          axisTitle('Difference of RMSE', unit),
          pairs,
          [0],
        ),
    curves(files),
    seen.length === 0 ? undefined : spreads(unit),
  ].filter((each) => each !== undefined);
  const { variants: _variants, differences: _differences, records: _records, machine, ...rest } = sweep;
  const chosen = best === null ? '' : ` By validation error, the best is ${best.label}, seed ${best.seed}.`;
  return documentOf({
    title: `Sweep ${sweep.name}`,
    lead: `${variants.length} settings, ${sweep.seeds.length} seeds (${sweep.vary}).${chosen}`,
    sections: [
      {
        id: 'errors',
        title: 'Errors',
        content: html`${notesOf(notes)}${tables(files)}`,
      },
      {
        id: 'charts-section',
        title: 'Charts',
        content: html`<div class="charts">${charts.map(chartFigure)}</div>
          <section id="pinned" aria-label="Pinned photographs" hidden>
            <h3>Pinned</h3>
            <ul class="gallery" id="pins"></ul>
          </section>`,
      },
      {
        id: 'photographs',
        title: 'Photographs that seeds disagree about',
        content: html`<p class="quiet">
            Predicted: the mean of those runs of the best setting that did not train on the photograph.
          </p>
          ${galleryOf(['unseen'], [['spread', 'Most disagreement first']])}`,
      },
      {
        id: 'settings',
        title: 'Settings',
        content: factsOf([
          { title: 'Sweep', rows: flatten(rest) },
          { title: 'Machine', rows: machine === undefined ? UNRECORDED : machineRows(machine) },
        ]),
      },
    ],
    charts,
    data: { unit, decimals, photographs },
  });
}
