import { table } from '../terminal/table.js';
import type { Estimate } from './statistics.js';
import type { Difference, VariantSummary } from './sweep-summary.js';

const digits = (value: number): string => (Math.abs(value) >= 1000 ? value.toFixed(0) : value.toPrecision(4));

function meanText(value: Estimate | null): string {
  if (value === null) return '-';
  return value.deviation === null ? digits(value.mean) : `${digits(value.mean)} ± ${value.deviation.toPrecision(2)}`;
}

function intervalText(value: Estimate | null): string {
  if (value?.interval === null || value === null) return '-';
  const [low, high] = value.interval;
  return `${digits(low)} to ${digits(high)}`;
}

/** Mean ± standard deviation and the 95% interval of the mean, a line for each setting and measure. */
export function variantTable(variants: readonly VariantSummary[], unit: string): string {
  const rows = variants.flatMap(({ label, runs, failed, metrics }) =>
    (['rmse', 'mae', 'r2'] as const).map((measure, index) => [
      index === 0 ? label : '',
      index === 0 ? `${runs - failed}${failed === 0 ? '' : ` of ${runs}`}` : '',
      measure === 'r2' || unit === '' ? measure.toUpperCase() : `${measure.toUpperCase()} (${unit})`,
      meanText(metrics[measure]),
      intervalText(metrics[measure]),
    ]),
  );
  return table(rows, { head: ['setting', 'runs', '', 'mean ± sd', '95% interval'], right: [1, 3, 4] });
}

function verdict({ one, other, rmse }: Difference): string {
  if (rmse.interval === null) return 'too few seeds to say';
  const [low, high] = rmse.interval;
  if (low <= 0 && high >= 0) return 'no difference seen';
  return `${high < 0 ? one : other} is better`;
}

/** Differences over the same seeds, each with its interval and what it says. */
export function differenceTable(differences: readonly Difference[]): string {
  const rows = differences.map((difference) => [
    `${difference.one} - ${difference.other}`,
    digits(difference.rmse.mean),
    intervalText(difference.rmse),
    verdict(difference),
  ]);
  return table(rows, { head: ['RMSE over the same seeds', 'difference', '95% interval', ''], right: [1, 2] });
}
