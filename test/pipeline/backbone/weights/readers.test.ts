import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assert, asyncProperty, nat, record } from 'fast-check';
import { File, ready } from 'h5wasm/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { STACK } from '../../../../pipeline/backbone/vgg16.js';
import { openWeights } from '../../../../pipeline/backbone/weights/open.js';
import type { Weights } from '../../../../pipeline/backbone/weights/weights.js';
import { InputError } from '../../../../pipeline/errors.js';
import { PACKAGE_ROOT } from '../../../../pipeline/package-root.js';
import { EXACT_WEIGHTS } from '../golden.js';

const EMBEDDED = join(PACKAGE_ROOT, 'pipeline/backbone/weights/vgg16-conv-f16.safetensors');
const PYTHON = process.env['POOL5_PYTHON'] ?? 'python3';
const EMBEDDED_DIGEST = 'b436d216aaced47ce93513eba2f17a8ed7efe26c68eaa1a88f16821abbbc35f6';

let folder: string;
let embedded: Weights;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pool5-weights-'));
  embedded = await openWeights(undefined);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const convolutions = STACK.flatMap((layer) => (layer.kind === 'conv' ? [layer] : []));

interface Part {
  readonly path: string;
  readonly data: Float32Array;
  readonly shape: number[];
}

function partsOf(weights: Weights, name: (layer: string, part: 'kernel' | 'bias') => string): Part[] {
  return convolutions.flatMap(({ name: layer, inputs, outputs }) => {
    const { kernel, bias } = weights.layers.get(layer) ?? { kernel: new Float32Array(), bias: new Float32Array() };
    return [
      { path: name(layer, 'kernel'), data: kernel, shape: [3, 3, inputs, outputs] },
      { path: name(layer, 'bias'), data: bias, shape: [outputs] },
    ];
  });
}

/** float32 .safetensors of the parts; `spoil` changes the bytes before they are written. */
async function writeSafetensors(parts: readonly Part[], spoil = (bytes: Buffer): Buffer => bytes): Promise<string> {
  let offset = 0;
  const entries = parts.map(({ path, data, shape }) => {
    const begin = offset;
    offset += data.byteLength;
    return [path, { dtype: 'F32', shape, data_offsets: [begin, offset] }];
  });
  const header = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  const data = parts.map((part) => Buffer.from(part.data.buffer, part.data.byteOffset, part.data.byteLength));
  const file = join(folder, `${randomUUID()}.safetensors`);
  await writeFile(file, spoil(Buffer.concat([length, header, ...data])));
  return file;
}

async function writeKeras(weights: Weights): Promise<string> {
  const { FS } = await ready;
  const file = new File('/made.h5', 'w');
  for (const { path, data, shape } of partsOf(weights, (layer, part) => {
    const block = layer.replace('conv', 'block').replace('_', '_conv');
    return `${block}/${block}/${part}:0`;
  })) {
    const [outer = '', inner = '', name = ''] = path.split('/');
    if (file.get(outer) === null) file.create_group(outer);
    if (file.get(`${outer}/${inner}`) === null) file.create_group(`${outer}/${inner}`);
    file.create_dataset({ name: `${outer}/${inner}/${name}`, data, shape, dtype: '<f4' });
  }
  file.close();
  const path = join(folder, 'made.h5');
  await writeFile(path, FS.readFile('/made.h5'));
  FS.unlink('/made.h5');
  return path;
}

function python(code: string, ...args: string[]): void {
  execFileSync(PYTHON, ['-c', code, ...args]);
}

const HAS_NUMPY = ((): boolean => {
  try {
    execFileSync(PYTHON, ['-c', 'import numpy'], { stdio: 'ignore' });
    return true;
  } catch {
    console.warn('Tests that write .npy files skip: no Python with numpy (POOL5_PYTHON names one).');
    return false;
  }
})();

describe('the same numbers in any container', () => {
  it('the embedded float16 .safetensors', () => {
    expect(embedded).toMatchObject({ digest: EMBEDDED_DIGEST, random: false, origin: 'embedded VGG16 (float16)' });
    expect([...embedded.layers.keys()]).toEqual(convolutions.map(({ name }) => name));
  });

  it('.safetensors of float32', async () => {
    const file = await writeSafetensors(partsOf(embedded, (layer, part) => `${layer}.${part}`));
    expect((await openWeights(file)).digest).toBe(EMBEDDED_DIGEST);
  });

  it('Keras .h5', async () => {
    expect((await openWeights(await writeKeras(embedded))).digest).toBe(EMBEDDED_DIGEST);
  });

  it.skipIf(!HAS_NUMPY).each([2, 3, 4])(
    '.npy, pickle protocol %i, with layers that are not wanted',
    async (protocol) => {
      const source = await writeSafetensors(partsOf(embedded, (layer, part) => `${layer}.${part}`));
      const file = join(folder, `made${protocol}.npy`);
      python(
        `import json, pickle, struct, sys, numpy as np
raw = open(sys.argv[1], 'rb').read(); n = struct.unpack('<Q', raw[:8])[0]; head = json.loads(raw[8:8+n])
get = lambda k: np.frombuffer(raw[8+n+head[k]['data_offsets'][0]:8+n+head[k]['data_offsets'][1]], '<f4').reshape(head[k]['shape'])
layers = {k[:-7]: [get(k), get(k[:-7] + '.bias')] for k in head if k.endswith('.kernel')}
layers['fc8'] = [np.zeros((4, 2), 'f4'), np.zeros(2, 'f4')]
box = np.empty((), object); box[()] = layers
with open(sys.argv[2], 'wb') as f:
    np.lib.format.write_array_header_1_0(f, {'descr': '|O', 'fortran_order': False, 'shape': ()})
    pickle.dump(box, f, protocol=int(sys.argv[3]))`,
        source,
        file,
        String(protocol),
      );
      expect((await openWeights(file)).digest).toBe(EMBEDDED_DIGEST);
    },
  );

  it.skipIf(!existsSync(EXACT_WEIGHTS))(
    "the tutorial's vgg16.npy, as numpy reads it (skips without ../shared)",
    async () => {
      // sha256 by numpy of the float32 tensors in the stack's order
      const digest = 'd9a27cc1fc7f975ef8cff49180e794ccd7c4bc868ebb49740803b3bbaa8dbefd';
      expect((await openWeights(EXACT_WEIGHTS)).digest).toBe(digest);
    },
  );

  it('random:SEED: the same seed, the same weights, and says so', async () => {
    const [a, b, c] = [await openWeights('random:1'), await openWeights('random:1'), await openWeights('random:2')];
    expect(a).toMatchObject({ random: true, origin: 'random:1', digest: b.digest });
    expect(c.digest).not.toBe(a.digest);
  });
});

describe('damaged files', () => {
  const fix = 'The file is damaged: fetch it again.';
  const given = 'Give the weights of VGG16 (configuration D) with --weights.';

  it('a missing layer', async () => {
    const file = await writeSafetensors(partsOf(embedded, (layer, part) => `${layer}.${part}`).slice(0, -2));
    await expect(openWeights(file)).rejects.toThrow(
      `Expected a tensor for conv5_3's kernel, got none of that name (${file}). ${given}`,
    );
  });

  it('another shape', async () => {
    const parts = partsOf(embedded, (layer, part) => `${layer}.${part}`).map((part) =>
      part.path === 'conv1_1.kernel' ? { ...part, shape: [64, 3, 3, 3] } : part,
    );
    const file = await writeSafetensors(parts);
    await expect(openWeights(file)).rejects.toThrow(
      `Expected conv1_1's kernel of shape [3, 3, 3, 64], got [64, 3, 3, 3] (${file}). ${given}`,
    );
  });

  it('a number that is not finite', async () => {
    const file = await writeSafetensors(
      partsOf(embedded, (layer, part) => `${layer}.${part}`),
      (bytes) => {
        bytes.writeFloatLE(NaN, bytes.length - 4);
        return bytes;
      },
    );
    await expect(openWeights(file)).rejects.toThrow(
      `Expected finite numbers in conv5_3's bias, got NaN at position 511 (${file}). ${given}`,
    );
  });

  it('a truncated file', async () => {
    const file = join(folder, 'short.safetensors');
    await writeFile(file, (await readFile(EMBEDDED)).subarray(0, 20_000_000));
    await expect(openWeights(file)).rejects.toThrow(fix);
  });

  it.each([
    ['', 'an empty file'],
    ['hello, this is a text file', 'a file of another kind'],
  ])('%j', async (content, found) => {
    const file = join(folder, 'text');
    await writeFile(file, content);
    await expect(openWeights(file)).rejects.toThrow(
      `Expected a .npy, .h5 or .safetensors file, got ${found} (${file}). Check --weights.`,
    );
  });

  it('no file, a folder, a pipe', async () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    for (const [path, found] of [
      [join(folder, 'none'), 'no such file'],
      ['random:', 'no such file'],
      [folder, 'a folder'],
      [pipe, 'a pipe or device'],
    ] as const) {
      await expect(openWeights(path)).rejects.toThrow(
        new InputError(`Expected a file of weights, or random:SEED, got ${found} (${path}). Check --weights.`),
      );
    }
  });

  it.each([
    ['.npy', '\x93NUMPY\x01\x00'],
    ['.safetensors', '\x10\0\0\0\0\0\0\0{'],
  ])('a %s of more than 2 GiB', async (kind, start) => {
    const file = join(folder, `large${kind}`);
    await writeFile(file, start, 'latin1');
    await truncate(file, 2 ** 31 + 1); // sparse: takes no space
    await expect(openWeights(file)).rejects.toThrow(
      new InputError(`Expected weights of VGG16, got more than 2 GiB (${file}). Check --weights.`),
    );
    await rm(file);
  });

  it('a .npy cut within an array, half of a Keras .h5', async () => {
    const npy = Buffer.from(
      "\x93NUMPY\x01\x00\x2e\x00{'descr': '|O', 'fortran_order': False, 'shape': ()}\n",
      'latin1',
    );
    const [half, h5] = [join(folder, 'half.npy'), join(folder, 'half.h5')];
    await writeFile(half, Buffer.concat([npy, Buffer.from('\x80\x02}U\x07conv1_1]T\0\0\0\x01half', 'latin1')]));
    await expect(openWeights(half)).rejects.toThrow(
      `Expected a .npy file with a pickled dict of layers, got a damaged pickle (${half}). Give the tutorial's vgg16.npy, whole.`,
    );
    const whole = await readFile(await writeKeras(embedded));
    await writeFile(h5, whole.subarray(0, whole.length / 2));
    await expect(openWeights(h5)).rejects.toThrow(
      `Expected Keras's VGG16 (.h5), got a file that HDF5 cannot read (${h5}). The file is damaged, or is no HDF5 file: fetch it again.`,
    );
  });

  it.skipIf(!HAS_NUMPY)('a pickle that would run a command runs nothing', async () => {
    const [file, trace] = [join(folder, 'evil.npy'), join(folder, 'trace')];
    python(
      `import os, pickle, sys, numpy as np
class Evil:
    def __reduce__(self): return os.system, ('touch ' + sys.argv[2],)
with open(sys.argv[1], 'wb') as f:
    np.lib.format.write_array_header_1_0(f, {'descr': '|O', 'fortran_order': False, 'shape': ()})
    pickle.dump(Evil(), f, protocol=2)`,
      file,
      trace,
    );
    await expect(openWeights(file)).rejects.toThrow(
      `Expected a .npy file with a pickled dict of layers, got a pickle that calls posix.system (${file}). Nothing in it was run.`,
    );
    await expect(stat(trace)).rejects.toThrow('ENOENT');
  });

  it('any start of a file, whatever its kind, is an InputError', async () => {
    const npy = Buffer.from(
      "\x93NUMPY\x01\x00\x2e\x00{'descr': '|O', 'fortran_order': False, 'shape': ()}\n\x80\x02cnumpy\n",
      'latin1',
    );
    const starts = [(await readFile(EMBEDDED)).subarray(0, 6000), await readFile(await writeKeras(embedded)), npy];
    const file = join(folder, 'fuzz');
    const damage = record({ kind: nat(2), length: nat(5000), at: nat(4999), bit: nat(7) });
    await assert(
      asyncProperty(damage, async ({ kind, length, at, bit }) => {
        const bytes = Buffer.from(starts[kind]?.subarray(0, length) ?? []);
        if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
        await writeFile(file, bytes);
        await expect(openWeights(file)).rejects.toBeInstanceOf(InputError);
      }),
      { numRuns: 150 },
    );
  });
});
