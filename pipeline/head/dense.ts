import {
  add,
  matMul,
  mean,
  mul,
  relu,
  reshape,
  square,
  step,
  sub,
  sum,
  tensor2d,
  tidy,
  transpose,
  variable,
  type Scalar,
  type Tensor,
  type Tensor2D,
  type Variable,
} from '@tensorflow/tfjs-core';
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
 * One layer while it is trained. WebAssembly packs the right factor of each product anew, so the big kernel is kept
 * transposed and stands on the left: examples are columns, which takes half the time.
 */
interface Layer {
  /** float32 [outputs, inputs]. */
  readonly kernel: Variable;
  /** float32 [outputs, 1]. */
  readonly bias: Variable;
}

/** A batch's loss, and each variable with its gradient: the last layer's kernel and bias first. */
export interface Gradients {
  readonly loss: Scalar;
  readonly pairs: [Variable, Tensor][];
}

let networks = 0;

/** Dense layers with relu between them and one linear output; its variables live until dispose(). */
export class DenseNetwork {
  readonly #layers: readonly Layer[];

  constructor(weights: readonly LayerWeights[]) {
    const id = networks++;
    this.#layers = tidy(() =>
      weights.map(({ inputs, outputs, kernel, bias }, index) => ({
        kernel: variable(transpose(tensor2d(kernel, [inputs, outputs])), true, `head${id}/dense${index}/kernel`),
        bias: variable(tensor2d(bias, [outputs, 1]), true, `head${id}/dense${index}/bias`),
      })),
    );
  }

  /** @param columns [inputs, n] @returns what each layer gives: [outputs, n] each, the last one linear */
  #activations(columns: Tensor, masks: readonly Tensor[] = []): Tensor[] {
    const outputs: Tensor[] = [];
    let input = columns;
    for (const [index, { kernel, bias }] of this.#layers.entries()) {
      const linear: Tensor = add(matMul(kernel, input), bias);
      const mask = masks[index];
      const active = index === this.#layers.length - 1 ? linear : relu(linear);
      input = mask === undefined ? active : mul(active, mask);
      outputs.push(input);
    }
    return outputs;
  }

  /** @param rows float32 [n, inputs] @returns [n], to be disposed */
  forward(rows: Tensor2D): Tensor {
    return tidy(() => reshape(this.#activations(transpose(rows)).at(-1) ?? rows, [-1]));
  }

  /**
   * The mean squared error over a batch, and each variable with its gradient, to be disposed. They are written out
   * because tfjs's automatic ones multiply by transposed matrices, which WebAssembly does 10 times slower than an
   * explicit transpose and a plain product.
   * @param rows float32 [n, inputs]
   * @param targets float32 [n]
   * @param masks for each hidden layer, float32 [outputs, n]: 0 or 1 / (1 - dropout)
   */
  gradients(rows: Tensor2D, targets: Tensor, masks: readonly Tensor[] = []): Gradients {
    return tidy(() => {
      const outputs = this.#activations(transpose(rows), masks);
      const error = sub(outputs.at(-1) ?? rows, reshape(targets, [1, -1]));
      const loss = mean<Scalar>(square(error));
      const pairs: [Variable, Tensor][] = [];
      let delta: Tensor = mul(error, 2 / rows.shape[0]);
      for (let index = this.#layers.length - 1; index >= 0; index--) {
        const layer = this.#layers[index];
        if (layer === undefined) break;
        const input = outputs[index - 1];
        pairs.push([layer.kernel, matMul(delta, input === undefined ? rows : transpose(input))]);
        pairs.push([layer.bias, sum(delta, 1, true)]);
        if (input === undefined) break;
        // relu's slope; a unit that dropout switched off is 0 here as well.
        delta = mul(matMul(transpose(layer.kernel), delta), step(input));
        const mask = masks[index - 1];
        if (mask !== undefined) delta = mul(delta, mask);
      }
      return { loss, pairs };
    });
  }

  /** Multiplies each kernel by a factor. */
  shrink(factor: number): void {
    tidy(() => {
      for (const { kernel } of this.#layers) kernel.assign(mul(kernel, factor));
    });
  }

  /** A copy of the weights, to be disposed. */
  snapshot(): Tensor[] {
    return this.#layers.flatMap(({ kernel, bias }) => [kernel.clone(), bias.clone()]);
  }

  restore(snapshot: readonly Tensor[]): void {
    for (const [index, { kernel, bias }] of this.#layers.entries()) {
      const [savedKernel, savedBias] = snapshot.slice(2 * index, 2 * index + 2);
      if (savedKernel !== undefined) kernel.assign(savedKernel);
      if (savedBias !== undefined) bias.assign(savedBias);
    }
  }

  weights(): LayerWeights[] {
    return this.#layers.map(({ kernel, bias }) => {
      const [outputs = 0, inputs = 0] = kernel.shape;
      return {
        inputs,
        outputs,
        kernel: Float32Array.from(tidy(() => transpose(kernel).dataSync())),
        bias: Float32Array.from(bias.dataSync()),
      };
    });
  }

  dispose(): void {
    for (const { kernel, bias } of this.#layers) {
      kernel.dispose();
      bias.dispose();
    }
  }
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
