import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';

const NAMED = process.env['CHROMIUM'] ?? '';
const CANDIDATES =
  NAMED === '' ? ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'] : [NAMED];

/** Path of the browser that the tests drive: CHROMIUM, else Debian's; undefined where there is none. */
export const CHROMIUM = CANDIDATES.find((path) => existsSync(path));

if (CHROMIUM === undefined)
  console.warn('Browser tests skip: no chromium found. Install it, or name one with CHROMIUM=.');

export function launch(): Promise<Browser> {
  if (CHROMIUM === undefined) throw new Error('No chromium');
  // Chromium's sandbox does not start for root, which tests in containers often are; the pages are our own.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({ executablePath: CHROMIUM, args });
}
