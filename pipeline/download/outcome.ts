import { errorCode, errorMessage } from '../errors.js';
import { PrivateAddressError } from './guard.js';

/** What became of an address, as the column `status` of status.csv has it. */
export type Outcome =
  | 'ok'
  | 'duplicate'
  | 'placeholder'
  | 'not an image'
  | 'too large'
  | 'too small'
  | `HTTP ${number}`
  | 'timeout'
  | 'DNS'
  | 'refused'
  | 'reset'
  | 'redirect loop'
  | 'TLS'
  | 'not HTTP'
  | 'private address'
  | 'opted out'
  | 'not an address'
  | 'no such file';

/** Why an address gave no picture. */
export interface Failure {
  readonly status: Outcome;
  /** A few words for a person. */
  readonly detail: string;
  /** Whether another try may end otherwise. */
  readonly passing: boolean;
  /** Seconds for which the server asked to be left alone. */
  readonly retryAfter?: number;
}

/** No answer, or none of HTTP's good ones: what `--retry failed` tries again. */
export function isFailed(status: string): boolean {
  return (
    status.startsWith('HTTP ') ||
    ['timeout', 'DNS', 'refused', 'reset', 'redirect loop', 'TLS', 'not HTTP', 'no such file'].includes(status)
  );
}

/** Failures of the network between here and a server's answer. */
export function isNetworkFailure(status: string): boolean {
  return ['timeout', 'DNS', 'refused', 'reset', 'TLS'].includes(status);
}

/** Thrown into a request to end it with this outcome. */
export class FailureError extends Error {
  readonly failure: Failure;

  constructor(status: Outcome, detail: string, passing = false) {
    super(detail);
    this.name = 'FailureError';
    this.failure = { status, detail, passing };
  }
}

/** 5xx that say "not now", and the three of 4xx that do. */
function isPassing(code: number): boolean {
  return [408, 425, 429].includes(code) || (code >= 500 && code !== 501 && code !== 505);
}

export function httpFailure(code: number, retryAfter: number | undefined): Failure {
  const failure = { status: `HTTP ${code}`, detail: '', passing: isPassing(code) } as const;
  return retryAfter === undefined ? failure : { ...failure, retryAfter };
}

const TLS =
  /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|EPROTO)/;

/** Codes of Node's and undici's errors -> outcome, and whether it can pass. */
const CODES: Readonly<Record<string, readonly [Outcome, boolean]>> = {
  ENOTFOUND: ['DNS', false],
  ENODATA: ['DNS', false],
  EAI_AGAIN: ['DNS', true],
  EAI_FAIL: ['DNS', false],
  EAI_NONAME: ['DNS', false],
  ECONNREFUSED: ['refused', false],
  EHOSTUNREACH: ['refused', false],
  ENETUNREACH: ['refused', false],
  EADDRNOTAVAIL: ['refused', false],
  ECONNRESET: ['reset', true],
  ECONNABORTED: ['reset', true],
  EPIPE: ['reset', true],
  UND_ERR_SOCKET: ['reset', true],
  ETIMEDOUT: ['timeout', true],
  UND_ERR_CONNECT_TIMEOUT: ['timeout', true],
  UND_ERR_HEADERS_TIMEOUT: ['timeout', true],
  UND_ERR_BODY_TIMEOUT: ['timeout', true],
  UND_ERR_HEADERS_OVERFLOW: ['not HTTP', false],
  UND_ERR_INVALID_ARG: ['not an address', false],
};

/** What an error thrown by a request means. @throws the error itself where it is a mistake in the program */
export function failureOf(error: unknown): Failure {
  if (error instanceof FailureError) return error.failure;
  if (error instanceof PrivateAddressError) return { status: 'private address', detail: error.message, passing: false };
  // Happy eyeballs tries several addresses: the first one's error speaks for all.
  if (error instanceof AggregateError && error.errors.length > 0) return failureOf(error.errors[0]);
  const code = errorCode(error) ?? '';
  const known = CODES[code];
  if (known !== undefined) return { status: known[0], detail: code, passing: known[1] };
  if (/^(Z_|ERR_BROTLI|ERR__ERROR)/.test(code)) {
    return { status: 'not an image', detail: 'damaged content-encoding', passing: false };
  }
  if (TLS.test(code)) return { status: 'TLS', detail: code, passing: false };
  if (error instanceof Error && error.cause !== undefined) return failureOf(error.cause);
  if (error instanceof TypeError || error instanceof ReferenceError || error instanceof RangeError) throw error;
  // undici's parser errors carry no code where the very first bytes are wrong; one strange server must not end a run.
  return { status: 'not HTTP', detail: errorMessage(error), passing: false };
}
