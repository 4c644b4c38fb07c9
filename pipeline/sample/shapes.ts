/** A number as SVG text: short, and the same on every system. */
export function num(value: number): string {
  return String(Number(value.toFixed(4)));
}

type Attributes = Readonly<Record<string, string | number>>;

/** An SVG element. Attribute values are the program's own, never a user's text. */
export function element(name: string, attributes: Attributes, content = ''): string {
  const list = Object.entries(attributes).map(
    ([key, value]) => ` ${key}="${typeof value === 'number' ? num(value) : value}"`,
  );
  return `<${name}${list.join('')}>${content}</${name}>`;
}

export function ellipse(cx: number, cy: number, rx: number, ry: number, fill: string, more: Attributes = {}): string {
  return element('ellipse', { cx, cy, rx, ry, fill, ...more });
}

export function rect(x: number, y: number, width: number, height: number, fill: string, more: Attributes = {}): string {
  return element('rect', { x, y, width, height, fill, ...more });
}

/** A path from commands and numbers, e.g. path`M${x} ${y}`. */
export function d(strings: TemplateStringsArray, ...values: number[]): string {
  return String.raw({ raw: strings }, ...values.map(num));
}

export function filled(path: string, fill: string, more: Attributes = {}): string {
  return element('path', { d: path, fill, ...more });
}

export function stroked(path: string, stroke: string, width: number, more: Attributes = {}): string {
  return element('path', { d: path, fill: 'none', stroke, 'stroke-width': width, 'stroke-linecap': 'round', ...more });
}

/** A vertical gradient from y1 to y2 in the user's units. */
export function gradient(
  id: string,
  y1: number,
  y2: number,
  stops: readonly (readonly [number, string, number?])[],
): string {
  const list = stops.map(([offset, color, opacity = 1]) =>
    element('stop', { offset, 'stop-color': color, 'stop-opacity': opacity }),
  );
  return element('linearGradient', { id, gradientUnits: 'userSpaceOnUse', x1: 0, y1, x2: 0, y2 }, list.join(''));
}
