import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { openOnnx } from '../../../../../pipeline/backbone/engines/onnx/onnx.js';
import { IMAGE_BYTES } from '../../../../../pipeline/backbone/vgg16.js';
import { openWeights } from '../../../../../pipeline/backbone/weights/open.js';

it('leaves the event loop free while it computes', async () => {
  const engine = await openOnnx(await openWeights(undefined), {});
  const order: string[] = [];
  const running = engine.run(new Uint8Array(16 * IMAGE_BYTES)).then(() => order.push('features'));
  // Were the stack run in this thread, its features would be there before the loop turns for the first time.
  for (let turns = 0; turns < 10; turns++) await setImmediate();
  order.push('ten turns of the event loop');
  await running;
  await engine.close();
  expect(order).toEqual(['ten turns of the event loop', 'features']);
});
