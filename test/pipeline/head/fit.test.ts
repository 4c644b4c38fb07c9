import { describe, expect, test } from 'vitest';
import { initialWeights } from '../../../pipeline/head/dense.js';
import { fit, type FitOptions, type Matrix } from '../../../pipeline/head/fit.js';
import { normalNumbers } from '../../../pipeline/head/random.js';
import { PRESETS, type Settings } from '../../../pipeline/head/settings.js';

const WIDTH = 10;

function matrix(count: number, purpose: string): Matrix {
  const rows = normalNumbers(count * WIDTH, 1, 1, purpose);
  const targets = Float32Array.from({ length: count }, (_, i) => (rows[i * WIDTH] ?? 0) - (rows[i * WIDTH + 3] ?? 0));
  return {
    width: WIDTH,
    targets,
    rows: async (indices) =>
      Float32Array.from([...indices].flatMap((i) => [...rows.subarray(i * WIDTH, (i + 1) * WIDTH)])),
  };
}

const base: Settings = { ...PRESETS.default, dropout: 0, hidden: [16], batch: 8, epochs: 12, learningRate: 0.01 };

function options(settings: Partial<Settings> = {}): FitOptions {
  return {
    initial: initialWeights(WIDTH, WIDTH, [16], 1),
    train: matrix(40, 'train'),
    validation: matrix(20, 'validation'),
    settings: { ...base, ...settings },
    signal: new AbortController().signal,
  };
}

async function squaredNorm(weightDecay: number): Promise<number> {
  const { layers } = await fit(options({ weightDecay }));
  return layers[0]?.kernel.reduce((sum, value) => sum + value ** 2, 0) ?? 0;
}

describe('fit', () => {
  test.each(['sgd', 'momentum', 'rmsprop', 'adam'] as const)('%s learns', async (optimizer) => {
    const { history } = await fit(options({ optimizer }));
    expect(history.at(-1)?.validationLoss).toBeLessThan(0.6 * (history[0]?.loss ?? 0));
  });

  test('the same seeds give the same weights, bit for bit; another batch seed others', async () => {
    const one = await fit(options({ dropout: 0.3 }));
    expect((await fit(options({ dropout: 0.3 }))).layers).toEqual(one.layers);
    expect((await fit(options({ dropout: 0.3, batchSeed: 2 }))).layers).not.toEqual(one.layers);
  });

  test('keeps the weights of the epoch with the least validation loss', async () => {
    const noisy = options({ patience: 3, epochs: 60, learningRate: 0.03 });
    const { history, epoch, layers } = await fit(noisy);
    const losses = history.map(({ validationLoss }) => validationLoss ?? Number.NaN);
    expect(epoch).toBe(losses.indexOf(Math.min(...losses)) + 1);
    expect(history.length).toBe(epoch + 3);
    const shorter = await fit({ ...noisy, settings: { ...noisy.settings, epochs: epoch } });
    expect(layers).toEqual(shorter.layers);
  });

  test('without a validation part keeps the last weights', async () => {
    const { history, epoch } = await fit({ ...options(), validation: null });
    expect([history.length, epoch]).toEqual([12, 12]);
    expect(history.every(({ validationLoss }) => validationLoss === null)).toBe(true);
  });

  test('counts steps, the last batch of an epoch being shorter', async () => {
    const { history } = await fit(options({ batch: 16, epochs: 2 }));
    expect(history.map(({ epoch, step }) => [epoch, step])).toEqual([
      [1, 3],
      [2, 6],
    ]);
  });

  test('steps draw single batches with replacement', async () => {
    const { history } = await fit({ ...options({ steps: 5, batch: 64 }), validation: null });
    expect(history.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5]);
  });

  test('weight decay shrinks the kernels', async () => {
    expect(await squaredNorm(2)).toBeLessThan(0.9 * (await squaredNorm(0)));
  });

  test('a loss that is not finite names the step', async () => {
    await expect(fit(options({ optimizer: 'sgd', learningRate: 1e20 }))).rejects.toThrow(
      'Expected a finite loss, got Infinity (step 2, epoch 1). Lower --learning-rate (now 100000000000000000000). ' +
        'No run was saved.',
    );
  });

  test('stops between epochs when interrupted', async () => {
    const controller = new AbortController();
    const stopped = fit({
      ...options(),
      signal: controller.signal,
      onEpoch: ({ epoch }) => {
        if (epoch === 2) controller.abort('SIGTERM');
      },
    });
    await expect(stopped).rejects.toMatchObject({
      exitCode: 143,
      message: 'Interrupted (SIGTERM). No run was saved; the features are safe. The same command starts again.',
    });
  });
});
