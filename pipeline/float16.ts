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
