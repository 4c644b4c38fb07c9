// Peak memory of extract over a few and over many photographs: it must not grow with their number.
// Usage: node bench/memory.mjs [FEW MANY], default 200 2000. Linux only (reads /proc).
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import seedrandom from 'seedrandom';
import sharp from 'sharp';

const CLI = fileURLToPath(new URL('../dist/stages/cli.js', import.meta.url));
const counts = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [200, 2000];

/** Photographs of 1,000 x 750 pixels with much detail, some 300 kB each. */
async function draw(folder, count) {
  const random = seedrandom('memory');
  for (let i = 0; i < count; i++) {
    const pixels = Uint8Array.from({ length: 250 * 188 * 3 }, () => random() * 256);
    await sharp(pixels, { raw: { width: 250, height: 188, channels: 3 } })
      .resize(1000, 750, { fit: 'fill' })
      .jpeg()
      .toFile(join(folder, `p${i}.jpg`));
  }
}

/** The kernel's own high-water mark of resident memory, in MB. */
function peak(pid) {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    return 0; // it has just ended
  }
}

const peaks = [];
for (const count of counts) {
  const folder = mkdtempSync(join(tmpdir(), 'pool5-memory-'));
  await draw(folder, count);
  const args = [CLI, 'extract', '--images', folder, '--features', join(folder, 'features'), '--quiet', '--json'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (data) => (output += data));
  let most = 0;
  const timer = setInterval(() => (most = Math.max(most, peak(child.pid))), 50);
  await new Promise((resolve) => child.on('close', resolve));
  clearInterval(timer);
  rmSync(folder, { recursive: true });
  const { computed, engine, seconds } = JSON.parse(output);
  console.log(`${computed} photographs: peak ${most.toFixed(0)} MB, ${seconds.toFixed(0)} s, ${engine}`);
  peaks.push(most);
}
const [few, many] = peaks;
if (many !== undefined)
  console.log(`${((many / few - 1) * 100).toFixed(1)}% more for ${counts[1] / counts[0]} times as many`);
