import { describe, expect, it } from 'vitest';
import { isOptedOut } from '../../../pipeline/download/optout.js';
import { failureOf } from '../../../pipeline/download/outcome.js';
import { retryAfterOf } from '../../../pipeline/download/transport.js';

describe('retryAfterOf', () => {
  it.each<[string | undefined, number | undefined]>([
    [undefined, undefined],
    ['0', 0],
    [' 120 ', 120],
    ['Wed, 21 Oct 2015 07:28:30 GMT', 30],
    ['Wed, 21 Oct 2015 07:00:00 GMT', 0],
    ['soon', undefined],
    ['-5', undefined],
  ])('%j is %j seconds', (header, seconds) => {
    expect(retryAfterOf(header, Date.UTC(2015, 9, 21, 7, 28))).toBe(seconds);
  });
});

describe('isOptedOut', () => {
  it.each<[string | string[] | undefined, boolean]>([
    [undefined, false],
    ['noai', true],
    ['NOIMAGEAI', true],
    ['noindex, noai', true],
    ['noindex, nofollow', false],
    [['noindex', 'noimageai'], true],
    ['googlebot: noai', false],
    ['pool5: noai', true],
    ['googlebot: noindex, noai', false],
    ['*: noai', true],
    ['unavailable_after: 25 Jun 2010 15:00:00 PST, noai', true],
    ['max-snippet:5, noimageai', true],
    ['noairplanes', false],
  ])('%j: %j', (header, optedOut) => expect(isOptedOut(header)).toBe(optedOut));
});

function withCode(code: string): Error {
  return Object.assign(new Error('x'), { code });
}

describe('failureOf', () => {
  it.each([
    ['ENOTFOUND', 'DNS', false],
    ['EAI_AGAIN', 'DNS', true],
    ['ECONNREFUSED', 'refused', false],
    ['EHOSTUNREACH', 'refused', false],
    ['ECONNRESET', 'reset', true],
    ['UND_ERR_SOCKET', 'reset', true],
    ['UND_ERR_CONNECT_TIMEOUT', 'timeout', true],
    ['ETIMEDOUT', 'timeout', true],
    ['CERT_HAS_EXPIRED', 'TLS', false],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'TLS', false],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'TLS', false],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'TLS', false],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'TLS', false],
  ])('%s is %s', (code, status, passing) => {
    expect(failureOf(withCode(code))).toEqual({ status, detail: code, passing });
    expect(failureOf(new AggregateError([withCode(code), withCode('EPIPE')]))).toMatchObject({ status });
    expect(failureOf(new Error('failed', { cause: withCode(code) }))).toMatchObject({ status });
  });

  it('does not swallow mistakes in the program', () => {
    expect(() => failureOf(new TypeError('x is not a function'))).toThrow(new TypeError('x is not a function'));
  });
});
