import type { IncomingHttpHeaders } from 'node:http';
import { readFile, stat } from 'node:fs/promises';
import type { LookupFunction } from 'node:net';
import { type Duplex, type Readable, Transform, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import pLimit, { type LimitFunction } from 'p-limit';
import { Agent, request } from 'undici';
import { errorCode } from '../errors.js';
import { guardedLookup, isPublic, literalOf, PrivateAddressError } from './guard.js';
import { isOptedOut } from './optout.js';
import { type Failure, FailureError, failureOf, httpFailure } from './outcome.js';

export interface TransportOptions {
  /** Seconds without a byte after which a try ends; a whole try may take ten times as long. */
  readonly timeout: number;
  /** Of an answer's body, as sent as well as decompressed. */
  readonly maxBytes: number;
  /** Requests to one host at a time. */
  readonly perHost: number;
  /** Whether hosts in private networks may be asked. */
  readonly allowPrivate: boolean;
  /** Whether X-Robots-Tag: noai and noimageai are honoured. */
  readonly honourOptOut: boolean;
  readonly userAgent: string;
}

/** The world outside, where a test needs another: DNS, and which addresses count as public. */
export interface Network {
  readonly lookup?: LookupFunction;
  readonly isPublic?: (ip: string) => boolean;
}

export interface Answer {
  readonly status: 'answered';
  readonly bytes: Buffer;
}

export interface Transport {
  /** One try. `final` is the address that answered, after redirects. Throws only if the signal is aborted. */
  get(url: URL, signal: AbortSignal): Promise<{ result: Answer | Failure; final: string }>;
  /** Whether a request to this URL's host would start at once. */
  isFree(url: URL): boolean;
  close(): Promise<void>;
}

const MAX_REDIRECTS = 10;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** Codings of Content-Encoding that servers send unasked. */
const DECODERS: Readonly<Record<string, () => Duplex>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

function decodersOf(headers: IncomingHttpHeaders): Duplex[] {
  const codings = (headers['content-encoding'] ?? '').split(',').map((coding) => coding.trim().toLowerCase());
  return codings
    .filter((coding) => coding !== '' && coding !== 'identity')
    .toReversed()
    .map((coding) => {
      const decoder = DECODERS[coding];
      if (decoder === undefined) throw new FailureError('not an image', `content-encoding ${coding}`);
      return decoder();
    });
}

/** Seconds from now that Retry-After asks for: a number, or a date. */
export function retryAfterOf(header: string | undefined, now = Date.now()): number | undefined {
  if (header === undefined) return undefined;
  if (/^\s*\d+\s*$/.test(header)) return Number(header);
  // Date.parse takes nearly anything for a date; HTTP's are all in GMT.
  const date = /\bGMT\s*$/.test(header) ? Date.parse(header) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, (date - now) / 1000);
}

/** Ends a try that stalls, or drips for too long. */
class Clock {
  readonly #controller = new AbortController();
  readonly #stall: NodeJS.Timeout;
  readonly #whole: NodeJS.Timeout;
  readonly #outer: AbortSignal;
  readonly #onOuter = (): void => this.#controller.abort(this.#outer.reason);

  constructor(seconds: number, outer: AbortSignal) {
    const end = (what: string): void => this.#controller.abort(new FailureError('timeout', what, true));
    this.#stall = setTimeout(end, seconds * 1000, 'no byte came');
    this.#whole = setTimeout(end, seconds * 10_000, 'too slow');
    this.#outer = outer;
    if (outer.aborted) this.#onOuter();
    else outer.addEventListener('abort', this.#onOuter);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  beat(): void {
    this.#stall.refresh();
  }

  stop(): void {
    clearTimeout(this.#stall);
    clearTimeout(this.#whole);
    this.#outer.removeEventListener('abort', this.#onOuter);
  }
}

async function readBody(body: Readable, headers: IncomingHttpHeaders, maxBytes: number, clock: Clock): Promise<Buffer> {
  const tooLarge = (): FailureError => new FailureError('too large', `more than ${maxBytes} bytes`);
  if (Number(headers['content-length'] ?? 0) > maxBytes) throw tooLarge();
  const chunks: Buffer[] = [];
  let sent = 0;
  let decoded = 0;
  const counter = new Transform({
    transform(chunk: Buffer, _, done) {
      clock.beat();
      sent += chunk.length;
      if (sent > maxBytes) done(tooLarge());
      else done(null, chunk);
    },
  });
  const collector = new Writable({
    write(chunk: Buffer, _, done) {
      decoded += chunk.length;
      chunks.push(chunk);
      done(decoded > maxBytes ? tooLarge() : null);
    },
  });
  await pipeline([body, counter, ...decodersOf(headers), collector], { signal: clock.signal });
  return Buffer.concat(chunks);
}

function missing(detail: string): Failure {
  return { status: 'no such file', detail, passing: false };
}

async function readLocal(url: URL, maxBytes: number): Promise<Answer | Failure> {
  try {
    const path = fileURLToPath(url);
    const found = await stat(path);
    if (!found.isFile()) return missing('not a file');
    if (found.size > maxBytes) return { status: 'too large', detail: `${found.size} bytes`, passing: false };
    return { status: 'answered', bytes: await readFile(path) };
  } catch (error) {
    return missing(errorCode(error) ?? 'not a path here');
  }
}

/** HTTP as a polite visitor of strangers: see TransportOptions. Follows at most 10 redirects. */
export function createTransport(options: TransportOptions, network: Network = {}): Transport {
  const isAllowed = options.allowPrivate ? () => true : (network.isPublic ?? isPublic);
  const connect = {
    lookup: guardedLookup(isAllowed, network.lookup),
    // The clock of a try ends it before this would, but only this ends a connection nobody waits for any more.
    timeout: options.timeout * 1000,
    // Node's 250 ms for each of a name's addresses are too few for a server far away.
    autoSelectFamilyAttemptTimeout: Math.max(10, Math.min(2500, options.timeout * 500)),
  };
  const agent = new Agent({ connect, headersTimeout: 0, bodyTimeout: 0, keepAliveTimeout: 1000 });
  const hosts = new Map<string, LimitFunction>();
  const slotOf = (url: URL): LimitFunction => {
    const known = hosts.get(url.hostname);
    if (known !== undefined) return known;
    const limit = pLimit(options.perHost);
    hosts.set(url.hostname, limit);
    return limit;
  };

  /** One request; a URL is where to go on. */
  async function hop(url: URL, outer: AbortSignal): Promise<Answer | Failure | URL> {
    const clock = new Clock(options.timeout, outer);
    try {
      // A socket to a literal address asks no DNS, so that the guarded lookup would not see it.
      const literal = literalOf(url);
      if (literal !== undefined && !isAllowed(literal)) throw new PrivateAddressError(literal, literal);
      const { statusCode, headers, body } = await request(url, {
        dispatcher: agent,
        signal: clock.signal,
        headers: { 'user-agent': options.userAgent, accept: 'image/*', 'accept-encoding': 'identity' },
      });
      // A body that is left unread must not end the process when its connection breaks.
      body.on('error', () => undefined);
      clock.beat();
      const { location } = headers;
      if (REDIRECTS.has(statusCode) && location !== undefined) {
        body.destroy();
        const next = location.toString();
        if (!URL.canParse(next, url.href)) throw new FailureError(`HTTP ${statusCode}`, 'redirect to no address');
        return new URL(next, url.href);
      }
      if (statusCode < 200 || statusCode > 299) {
        body.destroy();
        return httpFailure(statusCode, retryAfterOf(headers['retry-after']?.toString()));
      }
      if (options.honourOptOut && isOptedOut(headers['x-robots-tag'])) {
        body.destroy();
        throw new FailureError('opted out', 'X-Robots-Tag');
      }
      return { status: 'answered', bytes: await readBody(body, headers, options.maxBytes, clock) };
    } catch (error) {
      // An aborted stream reports that it was aborted; why is with the signal.
      if (outer.aborted) throw outer.reason;
      return failureOf(clock.signal.aborted ? clock.signal.reason : error);
    } finally {
      clock.stop();
    }
  }

  return {
    async get(start, signal) {
      if (start.protocol === 'file:') return { result: await readLocal(start, options.maxBytes), final: start.href };
      const seen = new Set<string>();
      let url = start;
      for (;;) {
        const loop = (detail: string): { result: Failure; final: string } => ({
          result: { status: 'redirect loop', detail, passing: false },
          final: url.href,
        });
        if (seen.has(url.href)) return loop('comes back to itself');
        if (seen.size > MAX_REDIRECTS) return loop(`more than ${MAX_REDIRECTS} redirects`);
        seen.add(url.href);
        const here = url;
        const result = await slotOf(here)(() => hop(here, signal));
        if (!(result instanceof URL)) return { result, final: here.href };
        if (result.protocol !== 'http:' && result.protocol !== 'https:') {
          const detail = `redirect to ${result.protocol}`;
          return { result: { status: 'not an address', detail, passing: false }, final: here.href };
        }
        url = result;
      }
    },
    isFree(url) {
      const slot = hosts.get(url.hostname);
      return slot === undefined || slot.activeCount + slot.pendingCount < options.perHost;
    },
    close: () => agent.destroy(),
  };
}
