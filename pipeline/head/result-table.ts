import type { Baselines, MetricsByPart } from './baselines.js';
import type { Metrics } from './metrics.js';
import { plainTable, shortNumber } from './table.js';

/** What a train run reports of its errors. */
export interface Result {
  readonly unit: string;
  readonly metrics: MetricsByPart;
  readonly baselines: Baselines;
  readonly crossValidation: { readonly folds: number; readonly all: Metrics | null } | null;
}

function line(name: string, metrics: Metrics | null): string[] {
  return [name, String(metrics?.count ?? 0), ...[metrics?.mae, metrics?.rmse, metrics?.r2].map(shortNumber)];
}

/** MAE, RMSE and R2 of a head and of the baselines, for each part that has photographs. */
export function resultTable({ unit, metrics, baselines, crossValidation }: Result): string {
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
  return plainTable(['', 'photographs', `MAE${suffix}`, `RMSE${suffix}`, 'R2'], rows);
}
