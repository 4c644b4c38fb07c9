import { createHash } from 'node:crypto';

/** sha256 in hex; of a text, its UTF-8 bytes. */
export function sha256Of(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}
