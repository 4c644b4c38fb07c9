import { normalNumbers } from './random.js';

/** One dense layer's numbers. */
export interface LayerWeights {
  readonly inputs: number;
  readonly outputs: number;
  /** float32 [inputs, outputs]. */
  readonly kernel: Float32Array;
  /** float32 [outputs]. */
  readonly bias: Float32Array;
}

/**
 * Normal kernels with the variance of Glorot and Bengio (2010), 2 / (inputs + outputs), and zero biases. The first
 * layer's counts all features even where it is drawn in fewer coordinates: a rotation leaves the distribution as it is.
 * @param width coordinates that the first layer takes
 * @param features features that they stand for
 */
export function initialWeights(
  width: number,
  features: number,
  hidden: readonly number[],
  seed: number,
): LayerWeights[] {
  const outputs = [...hidden, 1];
  return outputs.map((units, index) => {
    const inputs = index === 0 ? width : (outputs[index - 1] ?? 0);
    const fanIn = index === 0 ? features : inputs;
    const kernel = normalNumbers(inputs * units, Math.sqrt(2 / (fanIn + units)), seed, `init/${index}`);
    return { inputs, outputs: units, kernel, bias: new Float32Array(units) };
  });
}

/**
 * What layers with relu between them give for one row, summed in float64: over 25,088 features, sums in float32 would
 * cost the fourth digit.
 * @param row [inputs]
 */
export function outputOf(layers: readonly LayerWeights[], row: ArrayLike<number>): number {
  let input = Float64Array.from(row);
  for (const [index, { inputs, outputs, kernel, bias }] of layers.entries()) {
    const output = Float64Array.from(bias);
    for (let i = 0; i < inputs; i++) {
      const value = input[i] ?? Number.NaN;
      // Most features are 0.
      if (value === 0) continue;
      const start = i * outputs;
      for (let unit = 0; unit < outputs; unit++) {
        output[unit] = (output[unit] ?? 0) + value * (kernel[start + unit] ?? Number.NaN);
      }
    }
    input = index === layers.length - 1 ? output : output.map((value) => Math.max(0, value));
  }
  return input[0] ?? Number.NaN;
}

/** A network's layers with the target's transform undone in the last one: it then gives t * scale + shift. */
export function scaleOutput(layers: readonly LayerWeights[], scale: number, shift: number): LayerWeights[] {
  return layers.map((layer, index) =>
    index < layers.length - 1
      ? layer
      : {
          ...layer,
          kernel: layer.kernel.map((value) => value * scale),
          bias: layer.bias.map((value) => value * scale + shift),
        },
  );
}
