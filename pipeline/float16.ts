/** Every half-precision number as a float32, by its bits (IEEE 754 binary16). */
const TABLE = new Float32Array(65536);
for (let bits = 0; bits < 65536; bits++) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) TABLE[bits] = sign * fraction * 2 ** -24;
  else if (exponent === 31) TABLE[bits] = fraction === 0 ? sign * Infinity : NaN;
  else TABLE[bits] = sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** Half-precision numbers (their bits) as float32, exactly. */
export function fromFloat16(bits: Uint16Array): Float32Array {
  const values = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) values[i] = TABLE[bits[i] ?? 0] ?? NaN;
  return values;
}

const float = new Float32Array(1);
const floatBits = new Uint32Array(float.buffer);

/**
 * The nearest half-precision number, ties to even (IEEE 754, 4.3.1), by its bits. From 65,520 on that is infinity.
 */
function toHalf(value: number): number {
  float[0] = value;
  const bits = floatBits[0] ?? 0;
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00; // NaN
  if (magnitude >= 0x477ff000) return sign | 0x7c00; // 65,520 and more
  if (magnitude < 0x38800000) {
    // Subnormal: whole steps of 2^-24.
    const steps = Math.abs(value) * 2 ** 24;
    const below = Math.floor(steps);
    const rest = steps - below;
    return sign | (below + (rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? 1 : 0));
  }
  // The exponent's bias goes from 127 to 15; 13 bits of the fraction are rounded off, a carry moves the exponent.
  const shifted = magnitude - (112 << 23);
  return sign | ((shifted + 0xfff + ((shifted >>> 13) & 1)) >>> 13);
}

/** float32 as the nearest half-precision numbers (their bits). */
export function toFloat16(values: Float32Array): Uint16Array {
  const bits = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) bits[i] = toHalf(values[i] ?? 0);
  return bits;
}
