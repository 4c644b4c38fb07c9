import { expect, it } from 'vitest';
import { identifyWeights, openWeights } from '../../../../pipeline/backbone/weights/open.js';

it('knows the embedded weights by their digest without reading them', async () => {
  const identified = await identifyWeights(undefined);
  const { digest, origin, random } = await openWeights(undefined);
  expect(identified).toMatchObject({ digest, origin, random });
  expect((await identified.load()).digest).toBe(digest);
});
