import { axisTitle, chart, COLORS, point, rule, type Chart, type Unit } from './chart.js';
import { comparison, learningCurves } from './curves.js';
import { groupsOf, splitsOf, type RunReport } from './outcome.js';

const SHAPES = ['circle', 'diamond', 'square', 'triangle-up'];

function splitChannels(report: RunReport): Unit {
  const domain = splitsOf(report.outcomes);
  return {
    color: {
      field: 'split',
      type: 'nominal',
      scale: { domain, range: COLORS.slice(0, domain.length) },
      legend: { orient: 'top', title: null },
    },
    shape: { field: 'split', type: 'nominal', scale: { domain, range: SHAPES.slice(0, domain.length) } },
  };
}

function predictedAgainstTrue(report: RunReport): Chart {
  const { unit, outcomes, interval } = report;
  const values = outcomes.flatMap(({ target, prediction }) => [target, prediction]);
  const domain = [Math.min(...values), Math.max(...values)];
  const scale = { domain, nice: true, zero: false };
  const ends = (shift: number): Unit[] => domain.map((value) => ({ x: value, y: value + shift }));
  const line = (shift: number, dash: number[]): Unit => ({
    data: { values: ends(shift) },
    mark: { type: 'line', strokeDash: dash, color: '#808080', clip: true },
    encoding: { x: { field: 'x', type: 'quantitative', scale }, y: { field: 'y', type: 'quantitative', scale } },
  });
  const band = interval === undefined ? [] : [line(interval.half, [2, 3]), line(-interval.half, [2, 3])];
  const photographs: Unit = {
    data: { name: 'photographs' },
    mark: point,
    encoding: {
      x: { field: 'target', type: 'quantitative', scale, title: axisTitle('True', unit) },
      y: { field: 'prediction', type: 'quantitative', scale, title: axisTitle('Predicted', unit) },
      ...splitChannels(report),
    },
  };
  const text = 'Each point is a photograph; on the dashed diagonal, the prediction equals the truth.';
  const more =
    interval === undefined
      ? ''
      : ` The dotted lines hold about ${Math.round(interval.coverage * 100)} % of new photographs.`;
  return chart(
    'predicted',
    'Predicted against true',
    text + more,
    { height: 380, layer: [line(0, [6, 4]), ...band, photographs] },
    true,
  );
}

function residuals(report: RunReport): Chart {
  const { unit, interval } = report;
  const bounds = interval === undefined ? [] : [rule(interval.half, 'y', [2, 3]), rule(-interval.half, 'y', [2, 3])];
  const photographs: Unit = {
    data: { name: 'photographs' },
    mark: point,
    encoding: {
      x: { field: 'prediction', type: 'quantitative', scale: { zero: false }, title: axisTitle('Predicted', unit) },
      y: { field: 'residual', type: 'quantitative', title: axisTitle('Predicted − true', unit) },
      ...splitChannels(report),
    },
  };
  const text =
    'Each point is a photograph: its error against its predicted value. Above the dashed line, predictions are too high.';
  return chart(
    'residuals',
    'Residuals by predicted value',
    text,
    { layer: [rule(0, 'y', [6, 4]), ...bounds, photographs] },
    true,
  );
}

function residualsByGroup(report: RunReport): Chart | undefined {
  const groups = new Set(groupsOf(report.outcomes.map(({ id }) => id)).values());
  if (groups.size < 2) return undefined;
  const splits = splitsOf(report.outcomes);
  const text =
    'For each group (the folder of a photograph) and split: median, quartiles, range and outliers of the error.';
  return chart('groups', 'Residuals by group', text, {
    height: 70 + groups.size * (16 * splits.length + 14),
    data: { name: 'photographs' },
    mark: { type: 'boxplot', size: 10, median: { color: '#fff' }, rule: { color: '#808080' }, outliers: { size: 16 } },
    encoding: {
      y: { field: 'group', type: 'nominal', title: null },
      yOffset: { field: 'split', type: 'nominal', scale: { domain: splits } },
      x: { field: 'residual', type: 'quantitative', title: axisTitle('Predicted − true', report.unit) },
      color: {
        field: 'split',
        type: 'nominal',
        scale: { domain: splits, range: COLORS.slice(0, splits.length) },
        legend: { orient: 'top', title: null },
      },
    },
  });
}

function histogram(report: RunReport, split: string): Chart {
  const values = report.outcomes.flatMap(({ target, prediction }) => [target, prediction]);
  const extent = [Math.min(...values), Math.max(...values)];
  const kinds = ['true', 'predicted'];
  const text = `How many photographs of the ${split} split have which true and predicted values.`;
  return chart(`histogram-${split.replaceAll(/\W/g, '_')}`, `Values: ${split}`, text, {
    height: 160,
    data: { name: 'photographs' },
    transform: [
      { filter: { field: 'split', equal: split } },
      { calculate: 'datum.target', as: 'true' },
      { calculate: 'datum.prediction', as: 'predicted' },
      { fold: kinds, as: ['kind', 'value'] },
    ],
    mark: { type: 'bar', opacity: 0.6, binSpacing: 0 },
    encoding: {
      x: { field: 'value', type: 'quantitative', bin: { maxbins: 30, extent }, title: axisTitle('Value', report.unit) },
      y: { aggregate: 'count', type: 'quantitative', stack: null, title: 'Photographs' },
      color: {
        field: 'kind',
        type: 'nominal',
        scale: { domain: kinds, range: COLORS.slice(0, 2) },
        legend: { orient: 'top', title: null },
      },
    },
  });
}

/** All charts of a run, those that there is data for. */
export function chartsOf(report: RunReport): Chart[] {
  const histograms = splitsOf(report.outcomes).map((split) => histogram(report, split));
  const all = [
    predictedAgainstTrue(report),
    residuals(report),
    residualsByGroup(report),
    learningCurves(report),
    comparison(report),
    ...histograms,
  ];
  return all.filter((each) => each !== undefined);
}
