// A web server of the kind that lists of ten-year-old addresses lead to. It runs in a process of its own, on loopback
// only: 127.0.0.1 to 127.0.0.30, one port. What it does is in an address's path: /kind/number/name. It keeps an account of
// every request, which it sends when asked with 'account'.
import { createServer } from 'node:http';
import { gzipSync } from 'node:zlib';
import sharp from 'sharp';

const HOSTS = Array.from({ length: 30 }, (_, index) => `127.0.0.${index + 1}`);

const drawn = { width: 64, height: 48, channels: 3, noise: { type: 'gaussian', mean: 128, sigma: 40 } };
const jpeg = await sharp({ create: { ...drawn, background: '#888' } })
  .jpeg()
  .toBuffer();
const png = await sharp({ create: { width: 40, height: 40, channels: 3, background: '#c80' } })
  .png()
  .toBuffer();
const webp = await sharp(jpeg).webp().toBuffer();
const dot = await sharp({ create: { width: 1, height: 1, channels: 3, background: '#fff' } })
  .gif()
  .toBuffer();
const unavailable = await sharp({ create: { width: 200, height: 150, channels: 3, background: '#ddd' } })
  .png()
  .toBuffer();
const domainForSale = await sharp({ create: { width: 90, height: 90, channels: 3, background: '#dfd' } })
  .gif()
  .toBuffer();
const bomb = gzipSync(Buffer.alloc(30_000_000));
const page = Buffer.from('<!DOCTYPE html><html><title>404</title><body>This picture has moved.</body></html>');

/** The picture with a comment of its own: other bytes, other sha256. */
function jpegOf(name) {
  const text = Buffer.from(name);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(text.length + 2);
  return Buffer.concat([jpeg.subarray(0, 2), Buffer.from([0xff, 0xfe]), length, text, jpeg.subarray(2)]);
}

/** host + path -> number of requests */
const requests = new Map();
/** host -> requests in work now, and the most there were at once */
const inWork = new Map(HOSTS.map((host) => [host, { now: 0, most: 0 }]));
/** host + path -> time before which it asked not to be asked again */
const restUntil = new Map();
let early = 0;
const agents = new Set();

const send = (response, bytes, headers = {}, code = 200) =>
  response.writeHead(code, { 'content-type': 'image/jpeg', 'content-length': bytes.length, ...headers }).end(bytes);
const redirect = (response, location, code = 302) => response.writeHead(code, { location, 'content-length': 0 }).end();

const kinds = {
  ok: ({ response, picture }) => send(response, picture),
  slow: ({ response, picture }) => setTimeout(send, 8, response, picture),
  png: ({ response, path }) => send(response, Buffer.concat([png, Buffer.from(path)])),
  webp: ({ response, path }) =>
    send(response, Buffer.concat([webp, Buffer.from(path)]), { 'content-type': 'application/octet-stream' }),
  'called-html': ({ response, picture }) => send(response, picture, { 'content-type': 'text/html' }),
  gzip: ({ response, picture }) => send(response, gzipSync(picture), { 'content-encoding': 'gzip' }),
  same: ({ response, number }) => send(response, jpegOf(`same ${number}`)),
  mirror: ({ response, name }) => send(response, jpegOf(`mirror ${name}`)),
  unavailable: ({ response }) => send(response, unavailable),
  sold: ({ response }) => send(response, domainForSale),
  gone: ({ response }) => redirect(response, '/unavailable/0/photo_unavailable.png'),
  html: ({ response }) => send(response, page),
  text: ({ response }) => send(response, Buffer.from('File not found.')),
  empty: ({ response }) => send(response, Buffer.alloc(0)),
  truncated: ({ response, picture }) => send(response, picture.subarray(0, picture.length * 0.6)),
  garbage: ({ response }) => send(response, Buffer.concat([jpeg.subarray(0, 30), Buffer.alloc(3000, 0x5a)])),
  dot: ({ response }) => send(response, dot),
  code: ({ response, number }) => send(response, page, { 'content-type': 'text/html' }, Number(number)),
  recovers: ({ response, picture, count }) => (count < 3 ? send(response, page, {}, 503) : send(response, picture)),
  busy({ response, picture, count, host, path }) {
    if (count > 1) return send(response, picture);
    restUntil.set(host + path, Date.now() + 1000);
    return send(response, Buffer.alloc(0), { 'retry-after': '1' }, 429);
  },
  'busy-for-long': ({ response }) => send(response, Buffer.alloc(0), { 'retry-after': '86400' }, 429),
  stall: () => undefined,
  'stall-inside'({ response, picture }) {
    response.writeHead(200, { 'content-length': picture.length });
    response.write(picture.subarray(0, 200));
  },
  drip({ response }) {
    response.writeHead(200);
    const timer = setInterval(() => response.write('.'), 50);
    response.on('close', () => clearInterval(timer));
  },
  trickle({ response, picture }) {
    response.writeHead(200, { 'content-length': picture.length });
    const part = Math.ceil(picture.length / 12);
    let at = 0;
    const timer = setInterval(() => {
      response.write(picture.subarray(at, (at += part)));
      if (at < picture.length) return;
      clearInterval(timer);
      response.end();
    }, 150);
  },
  reset: ({ response }) => response.socket.resetAndDestroy(),
  'reset-inside'({ response, picture }) {
    response.writeHead(200, { 'content-length': picture.length });
    response.write(picture.subarray(0, 200), () => setTimeout(() => response.socket?.resetAndDestroy(), 5));
  },
  short({ response, picture }) {
    response.writeHead(200, { 'content-length': picture.length + 1000 });
    response.write(picture, () => response.socket?.end());
  },
  'resets-once': ({ response, picture, count }) =>
    count === 1 ? response.socket.resetAndDestroy() : send(response, picture),
  bomb: ({ response }) => send(response, bomb, { 'content-encoding': 'gzip' }),
  'damaged-gzip': ({ response, picture }) => send(response, picture, { 'content-encoding': 'gzip' }),
  'says-large': ({ response }) => response.writeHead(200, { 'content-length': 50_000_000 }).flushHeaders(),
  endless({ response }) {
    response.writeHead(200);
    const block = Buffer.concat([jpeg, Buffer.alloc(65_536)]);
    const more = () => {
      while (!response.destroyed && response.write(block));
    };
    response.on('drain', more);
    more();
  },
  moved: ({ response, path, name }) =>
    redirect(response, path.replace('/moved/', `/moved2/`).replace(name, `to-${name}`), 301),
  moved2: ({ response, path }) => redirect(response, path.replace('/moved2/', '/ok/'), 307),
  circle: ({ response, path }) => redirect(response, path.replace('/circle/', '/circle2/')),
  circle2: ({ response, path }) => redirect(response, path.replace('/circle2/', '/circle/')),
  spiral: ({ response, number, name }) => redirect(response, `/spiral/${number}x/${name}`),
  'to-file': ({ response }) => redirect(response, 'file:///etc/hostname'),
  to: ({ response, query }) => redirect(response, query),
  'opted-out': ({ response, picture }) => send(response, picture, { 'x-robots-tag': 'noindex, noimageai' }),
  nonsense: ({ response }) => response.socket.end('SSH-2.0-OpenSSH_5.1\r\n\r\n'),
};

function answer(request, response) {
  const path = request.url;
  const host = request.socket.localAddress;
  const count = (requests.get(host + path) ?? 0) + 1;
  requests.set(host + path, count);
  agents.add(request.headers['user-agent']);
  if (Date.now() < (restUntil.get(host + path) ?? 0)) early++;
  const work = inWork.get(host);
  work.most = Math.max(work.most, ++work.now);
  response.on('close', () => work.now--);
  const [, kind, number, name] = path.split(/[/?]/);
  const query = path.slice(path.indexOf('?') + 1);
  kinds[kind]({ response, path, host, count, number, name, query, picture: jpegOf(host + path) });
}

let port = 0;
for (const host of HOSTS) {
  const server = createServer(answer);
  server.on('clientError', (error, socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  await new Promise((resolve) => server.listen(port, host, resolve));
  port = server.address().port;
}
process.on('message', () =>
  process.send({
    requests: Object.fromEntries(requests),
    most: Object.fromEntries([...inWork].map(([host, { most }]) => [host, most])),
    early,
    agents: [...agents],
  }),
);
process.on('disconnect', () => process.exit());
process.send({ port });
