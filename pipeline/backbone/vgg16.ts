/**
 * VGG16's convolution stack (configuration D of Simonyan and Zisserman, "Very Deep Convolutional Networks for
 * Large-Scale Image Recognition", 2014, table 1) as data. Every convolution is 3x3, stride 1, zero padding 1, followed
 * by relu; every pool is 2x2, stride 2, maximum.
 */
export type Layer =
  | { readonly kind: 'conv'; readonly name: string; readonly inputs: number; readonly outputs: number }
  | { readonly kind: 'pool'; readonly name: string };

export type ConvLayer = Extract<Layer, { kind: 'conv' }>;

function block(index: number, convolutions: number, inputs: number, outputs: number): Layer[] {
  const layers: Layer[] = [];
  for (let i = 1; i <= convolutions; i++) {
    layers.push({ kind: 'conv', name: `conv${index}_${i}`, inputs: i === 1 ? inputs : outputs, outputs });
  }
  layers.push({ kind: 'pool', name: `pool${index}` });
  return layers;
}

/** conv1_1 to pool5, in the order in which they run. */
export const STACK: readonly Layer[] = [
  ...block(1, 2, 3, 64),
  ...block(2, 2, 64, 128),
  ...block(3, 3, 128, 256),
  ...block(4, 3, 256, 512),
  ...block(5, 3, 512, 512),
];

/** Height and width of an input picture in pixels. */
export const IMAGE_SIZE = 224;

/** Bytes of one input picture: 224 x 224 x 3, uint8. */
export const IMAGE_BYTES = IMAGE_SIZE * IMAGE_SIZE * 3;

/** Mean of ImageNet's training set in RGB order (0..255), subtracted from each pixel; the paper, section 2.1. */
export const MEAN_RGB = [123.68, 116.779, 103.939] as const;

/** The feature of one picture: height, width, channels. */
export const FEATURE_SHAPE = [7, 7, 512] as const;

export const FEATURE_LENGTH = 7 * 7 * 512;
