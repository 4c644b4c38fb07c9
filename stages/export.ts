import { copyFile, mkdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { buildModel } from '../pipeline/backbone/engines/onnx/onnx.js';
import { openWeights } from '../pipeline/backbone/weights/open.js';
import { writeAtomically, writeFault } from '../pipeline/files/atomic.js';
import { appendHead } from '../pipeline/head/onnx-head.js';
import { checkKey, openHead, resolveRun } from '../pipeline/head/open.js';
import { PREPROCESSING_VERSION } from '../pipeline/images/pixels.js';
import { graphOf } from '../pipeline/predict.js';
import { defineStage } from './stage.js';

interface ExportSummary {
  readonly run: string;
  readonly to: 'onnx' | 'tfjs';
  readonly out: string;
  readonly bytes: number;
  readonly unit: string;
  readonly randomWeights: boolean;
}

const FILES = ['model.json', 'weights.bin'] as const;

/** @returns bytes written */
async function copyFiles(from: string, to: string): Promise<number> {
  try {
    await mkdir(to, { recursive: true });
    await Promise.all(FILES.map((name) => copyFile(join(from, name), join(to, name))));
    const sizes = await Promise.all(FILES.map(async (name) => (await stat(join(to, name))).size));
    return sizes.reduce((sum, size) => sum + size, 0);
  } catch (error) {
    throw writeFault(error, to);
  }
}

export const stage = defineStage({
  options: (yargs) =>
    yargs
      .option('run', { type: 'string', default: 'latest', describe: "A run's folder, or its name under --artifacts" })
      .option('artifacts', { type: 'string', default: 'artifacts', describe: 'Folder of the runs' })
      .option('to', {
        choices: ['onnx', 'tfjs'] as const,
        demandOption: true,
        describe: 'onnx: pictures in, numbers out, in one file; tfjs: the head alone, features in',
      })
      .option('out', { type: 'string', describe: 'File (onnx) or folder (tfjs)  [default: NAME.onnx, NAME-tfjs]' })
      .option('weights', { type: 'string', describe: 'onnx: the backbone, as for extract where it was given there' })
      .example('$0 export --to onnx --out lengths.onnx', 'The latest run with its backbone as one file')
      .example('$0 export --run NAME --to tfjs', 'The head for a browser'),

  async run({ run, artifacts, to, out, weights: spec }): Promise<ExportSummary> {
    const folder = await resolveRun(run, artifacts);
    const head = await openHead(folder);
    const { unit, config } = head;
    const common = { run: folder, to, unit, randomWeights: config.features.random };
    try {
      if (to === 'tfjs') {
        const target = out ?? `${basename(folder)}-tfjs`;
        return { ...common, out: target, bytes: await copyFiles(folder, target) };
      }
      const weights = await openWeights(spec);
      checkKey(head, { weights: weights.digest, preprocessing: PREPROCESSING_VERSION });
      const { normalize, target } = config.settings;
      const model = appendHead(await buildModel(weights, graphOf(head)), head.layers(), { normalize, target });
      const file = out ?? `${basename(folder)}.onnx`;
      await writeAtomically(file, model);
      return { ...common, out: file, bytes: model.length };
    } finally {
      head.close();
    }
  },

  text({ run, to, out, bytes, unit, randomWeights }) {
    const number = unit === '' ? 'a number' : `a number in ${unit}`;
    const what =
      to === 'onnx'
        ? `uint8 [n, 224, 224, 3] (RGB, the centre square) in, ${number} each out`
        : `float32 [n, 25088] pool5 features in, ${number} each out (its logarithm where trained with --target log)`;
    const mega = (bytes / 1e6).toFixed(1);
    return [
      `Wrote ${out} (${mega} MB) from ${run}.`,
      what,
      ...(randomWeights ? ['Random weights: the numbers mean nothing.'] : []),
    ].join('\n');
  },
});
