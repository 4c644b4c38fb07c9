import type { Baselines, MetricsByPart } from './baselines.js';
import type { Metrics } from './metrics.js';
import { table } from '../terminal/table.js';

/** What a train run reports of its errors. */
export interface Result {
  readonly unit: string;
  readonly metrics: MetricsByPart;
  readonly baselines: Baselines;
  readonly floor: number | null;
  readonly crossValidation: { readonly folds: number; readonly all: Metrics | null } | null;
}

/** Four significant digits, or a dash where there is no number. */
export function shortNumber(value: number | null | undefined): string {
  if (value === null || value === undefined) return '-';
  return Math.abs(value) >= 1000 ? value.toFixed(0) : value.toPrecision(4);
}

function line(name: string, metrics: Metrics | null): string[] {
  return [name, String(metrics?.count ?? 0), ...[metrics?.mae, metrics?.rmse, metrics?.r2].map(shortNumber)];
}

/** MAE, RMSE and R2 of a head and of the baselines, for each part that has photographs. */
export function resultTable({ unit, metrics, baselines, crossValidation, floor }: Result): string {
  const suffix = unit === '' ? '' : ` (${unit})`;
  const rows: string[][] = [];
  for (const part of ['train', 'validation', 'holdout', 'test'] as const) {
    if (metrics[part] === null) continue;
    rows.push(line(part, metrics[part]));
    if (part === 'train') continue;
    rows.push(line('  mean predictor', baselines.mean[part]));
    if (baselines.ridge !== null) rows.push(line('  ridge', baselines.ridge.parts[part]));
  }
  if (baselines.ridge !== null) rows.push(line('ridge, leave-one-out', baselines.ridge.leaveOneOut));
  if (crossValidation !== null) rows.push(line(`${crossValidation.folds}-fold`, crossValidation.all));
  if (floor !== null) rows.push(['noise floor (labels made up)', '', '', shortNumber(floor), '']);
  return table(rows, { head: ['', 'photographs', `MAE${suffix}`, `RMSE${suffix}`, 'R2'], right: [1, 2, 3, 4] });
}
