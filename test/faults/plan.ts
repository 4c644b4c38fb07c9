import seedrandom from 'seedrandom';

/** What must become of an address, and in how many requests. */
export interface Planned {
  readonly list: 'tiger' | 'kittycat';
  readonly address: string;
  readonly kind: string;
  readonly status: string;
  readonly tries: number;
}

interface Kind {
  readonly kind: string;
  readonly count: number;
  readonly status: string;
  /** With 2 retries. */
  readonly tries?: number;
  /** Last number of 127.0.0.x, from and to. */
  readonly hosts?: readonly [number, number];
  readonly number?: number;
}

/** Of lists such as the tutorial's, ten years after: not half of the addresses give a picture. */
const MIX: readonly Kind[] = [
  { kind: 'ok', count: 762, status: 'ok' },
  { kind: 'slow', count: 180, status: 'ok', hosts: [21, 24] },
  { kind: 'png', count: 60, status: 'ok' },
  { kind: 'webp', count: 20, status: 'ok' },
  { kind: 'called-html', count: 20, status: 'ok' },
  { kind: 'gzip', count: 20, status: 'ok' },
  { kind: 'moved', count: 100, status: 'ok' },
  { kind: 'recovers', count: 20, status: 'ok', tries: 3 },
  { kind: 'resets-once', count: 20, status: 'ok', tries: 2 },
  { kind: 'busy', count: 12, status: 'ok', tries: 2, hosts: [25, 30] },
  { kind: 'unavailable', count: 120, status: 'placeholder', hosts: [1, 1], number: 1 },
  { kind: 'gone', count: 200, status: 'placeholder', hosts: [1, 1] },
  { kind: 'sold', count: 40, status: 'placeholder' },
  { kind: 'html', count: 260, status: 'not an image' },
  { kind: 'text', count: 20, status: 'not an image' },
  { kind: 'empty', count: 20, status: 'not an image' },
  { kind: 'truncated', count: 20, status: 'not an image' },
  { kind: 'garbage', count: 12, status: 'not an image' },
  { kind: 'damaged-gzip', count: 6, status: 'not an image' },
  { kind: 'dot', count: 30, status: 'too small' },
  { kind: 'bomb', count: 8, status: 'too large' },
  { kind: 'says-large', count: 8, status: 'too large' },
  { kind: 'endless', count: 8, status: 'too large' },
  { kind: 'code', count: 380, status: 'HTTP 404', number: 404 },
  { kind: 'code', count: 60, status: 'HTTP 403', number: 403 },
  { kind: 'code', count: 40, status: 'HTTP 410', number: 410 },
  { kind: 'code', count: 12, status: 'HTTP 500', number: 500, tries: 3 },
  { kind: 'busy-for-long', count: 4, status: 'HTTP 429', hosts: [25, 30] },
  { kind: 'stall', count: 24, status: 'timeout', tries: 3 },
  { kind: 'stall-inside', count: 12, status: 'timeout', tries: 3 },
  { kind: 'drip', count: 4, status: 'timeout', tries: 3 },
  { kind: 'reset', count: 16, status: 'reset', tries: 3 },
  { kind: 'reset-inside', count: 8, status: 'reset', tries: 3 },
  { kind: 'short', count: 8, status: 'reset', tries: 3 },
  { kind: 'circle', count: 20, status: 'redirect loop' },
  { kind: 'spiral', count: 6, status: 'redirect loop' },
  { kind: 'to-file', count: 4, status: 'not an address' },
  { kind: 'opted-out', count: 20, status: 'opted out' },
  { kind: 'nonsense', count: 6, status: 'not HTTP' },
];

/** Addresses that no server answers. */
const UNANSWERED: readonly { address: (index: number) => string; count: number; status: string }[] = [
  { address: (index) => `http://domain-${index}.gone.test/tiger${index}.jpg`, count: 110, status: 'DNS' },
  { address: (index) => `http://127.0.0.${(index % 20) + 1}:1/photos/${index}.jpg`, count: 40, status: 'refused' },
  { address: (index) => `https://127.0.0.${(index % 20) + 1}:PORT/ok/0/secure${index}.jpg`, count: 12, status: 'TLS' },
  { address: (index) => `ftp://ftp.zoo.test/${index}.jpg`, count: 4, status: 'not an address' },
];

function hostOf({ hosts: [from, to] = [1, 20] }: Kind, index: number): string {
  return `127.0.0.${from + (index % (to - from + 1))}`;
}

/** 2,800 addresses in two lists, in an order that mixes all kinds, with what must become of each. */
export function plan(port: number, seed = 'lists'): Planned[] {
  const random = seedrandom(seed);
  const planned = [
    ...MIX.flatMap((kind) =>
      Array.from({ length: kind.count }, (_, index) => ({
        kind: kind.kind,
        status: kind.status,
        tries: kind.tries ?? 1,
        address: `http://${hostOf(kind, index)}:${port}/${kind.kind}/${kind.number ?? index}/${kind.status.replaceAll(' ', '_')}-${kind.kind}${index}.jpg`,
      })),
    ),
    ...UNANSWERED.flatMap(({ address, count, status }) =>
      Array.from({ length: count }, (_, index) => ({
        kind: status,
        status,
        tries: address(index).startsWith('ftp:') ? 0 : 1,
        address: address(index).replace('PORT', String(port)),
      })),
    ),
  ];
  const shuffled = planned
    .map((each) => ({ each, key: random() }))
    .toSorted((a, b) => a.key - b.key)
    .map(({ each }) => each);
  // Copies come last, so that the first of each is known: it keeps the picture.
  const copies = [
    ...Array.from({ length: 10 }, (_, index) => [`same/${index}/one${index}.jpg`, `same/${index}/other${index}.jpg`]),
    ...Array.from({ length: 4 }, (_, index) => Array.from({ length: 6 }, () => `mirror/0/copied${index}.jpg`)),
  ].flatMap((paths) =>
    paths.map((path, index) => ({
      kind: path.replace(/\/.*/, ''),
      status: index === 0 ? 'ok' : 'duplicate',
      tries: 1,
      address: `http://127.0.0.${index + 1}:${port}/${path}`,
    })),
  );
  const all = [...shuffled, ...copies];
  return all.map((each, index): Planned => ({ ...each, list: index % 2 === 0 ? 'tiger' : 'kittycat' }));
}
