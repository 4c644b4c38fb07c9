import { sha256Of } from '../files/sha256.js';
import { thisMachine, type Machine } from '../machine.js';
import { noiseFloor } from '../labels/rules.js';
import type { Effects } from '../terminal/effects.js';
import type { Prepared } from './prepare.js';
import { fingerprint } from './run-config.js';
import type { PresetName, Settings } from './settings.js';
import type { Varied, Variant } from './sweep-grid.js';
import { runPool, type SweepTask } from './sweep-pool.js';
import { readRecord, writeRecord, type SweepRecord } from './sweep-record.js';
import {
  bestRun,
  differences,
  summarizeVariants,
  type Best,
  type Difference,
  type VariantSummary,
} from './sweep-summary.js';
import { runConfig, trainRun } from './train-run.js';

/** artifacts/NAME/sweep.json, and what sweep prints. */
export interface SweepSummary {
  readonly name: string;
  readonly vary: Varied;
  readonly seeds: readonly number[];
  readonly unit: string;
  readonly variants: readonly VariantSummary[];
  readonly differences: readonly Difference[];
  /** The least RMSE that made-up labels allow over all photographs; null where they were measured. */
  readonly floor: number | null;
  /** Runs that were not known before. */
  readonly computed: number;
  /** Where they were trained; those that were known before may be from elsewhere. */
  readonly machine: Machine;
  readonly seconds: number;
  /** Names of artifacts/records/*.json, in the order of variants and seeds. */
  readonly records: readonly string[];
  readonly best: (Best & { readonly run: string; readonly folder: string; readonly refitted: boolean }) | null;
}

interface SweepOptions {
  readonly prepared: Prepared;
  readonly preset: PresetName;
  readonly artifacts: string;
}

interface SweepResult {
  readonly summary: Pick<
    SweepSummary,
    'unit' | 'variants' | 'differences' | 'floor' | 'computed' | 'machine' | 'seconds' | 'records'
  >;
  readonly best: Best | undefined;
  readonly records: ReadonlyMap<string, SweepRecord>;
}

/** The same sweep of the same photographs has the same name. */
export function sweepName({ source }: Prepared, variants: readonly Variant[]): string {
  const parts = [source.labels.sha256, source.features.identity, source.features.images, variants];
  return `sweep-${sha256Of(JSON.stringify(parts)).slice(0, 8)}`;
}

/**
 * Trains what is not known yet, on all cores; each finished run is kept at once in artifacts/records.
 * @throws InterruptedError
 */
export async function runVariants(
  { prepared, preset, artifacts, variants }: SweepOptions & { readonly variants: readonly Variant[] },
  effects: Effects,
): Promise<SweepResult> {
  const started = performance.now();
  const prints = new Map<Settings, string>();
  const records = new Map<string, SweepRecord>();
  const tasks: SweepTask[] = [];
  for (const { settings } of variants.flatMap(({ runs }) => runs)) {
    const print = fingerprint(await runConfig(prepared, preset, settings));
    prints.set(settings, print);
    const record = await readRecord(artifacts, print);
    if (record !== undefined) records.set(print, record);
    else if (!tasks.some((task) => task.fingerprint === print)) tasks.push({ settings, fingerprint: print });
  }
  const { labels, features } = prepared.source;
  const { id, splitBy } = labels;
  const data = {
    features: features.folder,
    labels: {
      file: labels.file,
      target: labels.target,
      ...(id === null ? {} : { id }),
      ...(splitBy === null ? {} : { splitBy }),
    },
    gram: prepared.experiment.gram !== null,
  };
  const bar = effects.progress('Sweep', tasks.length, 'runs');
  let done = 0;
  try {
    await runPool(data, tasks, effects.signal, async (record) => {
      await writeRecord(artifacts, record);
      records.set(record.fingerprint, record);
      const rmse = record.metrics.holdout?.rmse;
      bar.update(++done, rmse === undefined ? '' : `last RMSE ${rmse.toPrecision(4)}`);
    });
  } finally {
    bar.stop();
  }
  const ids = prepared.experiment.examples.map((example) => example.id);
  return {
    records,
    best: bestRun(variants, records, prints),
    summary: {
      unit: labels.unit,
      variants: summarizeVariants(variants, records, prints),
      differences: differences(variants, records, prints),
      floor: noiseFloor(prepared.table, ids)?.rmse ?? null,
      computed: tasks.length,
      machine: await thisMachine(),
      seconds: (performance.now() - started) / 1000,
      records: variants.flatMap(({ runs }) => runs.map(({ settings }) => prints.get(settings) ?? '')),
    },
  };
}

/** Saves the best run as a head: as it was, or trained on all photographs for as many epochs as it had chosen. */
export async function runBest(
  options: SweepOptions & { readonly name: string; readonly refit: boolean },
  { best, records }: SweepResult,
  effects: Effects,
): Promise<SweepSummary['best']> {
  const record = best === undefined ? undefined : records.get(best.fingerprint);
  if (best === undefined || record === undefined) return null;
  const { prepared, preset, artifacts, refit } = options;
  const settings: Settings = refit
    ? {
        ...record.settings,
        validation: 0,
        holdout: 0,
        folds: null,
        refit: false,
        patience: null,
        epochs: record.epoch ?? record.settings.epochs,
      }
    : { ...record.settings, folds: null };
  const { run, folder } = await trainRun({ prepared, preset, settings, artifacts }, effects);
  return { ...best, run, folder, refitted: refit };
}
