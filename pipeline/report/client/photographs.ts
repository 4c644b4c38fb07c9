// Runs in the reader's browser: the card at the pointer, pinned photographs, the gallery and the table.
// Names come from files that anybody may have named: they enter the page as text nodes and attributes only.

interface Photograph {
  readonly index: number;
  readonly id: string;
  readonly split: string;
  readonly group: string;
  readonly target: number;
  readonly prediction: number;
  readonly residual: number;
  /** Standard deviation between seeds, on the page of a sweep. */
  readonly spread?: number;
  readonly thumbnail?: string;
}

interface PageData {
  readonly unit: string;
  readonly decimals: number;
  readonly photographs: readonly Photograph[];
}

declare global {
  interface DocumentEventMap {
    'photograph-over': CustomEvent<{ readonly index: number; readonly x: number; readonly y: number }>;
    'photograph-pin': CustomEvent<{ readonly index: number }>;
  }
}

const PAGE = 60;
const page: PageData = JSON.parse(document.querySelector('#data')?.textContent ?? '{}');

function part<Found extends Element>(selector: string, kind: new () => Found): Found {
  const found = document.querySelector(selector);
  if (!(found instanceof kind)) throw new Error(`The page lacks ${selector}`);
  return found;
}

function make<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  className: string,
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  if (className !== '') element.className = className;
  element.append(...children);
  return element;
}

const number = (value: number): string => value.toFixed(page.decimals);

function numbers({ target, prediction }: Photograph): string {
  const unit = page.unit === '' ? '' : ` ${page.unit}`;
  return `true ${number(target)} · predicted ${number(prediction)}${unit}`;
}

function imageOf(photograph: Photograph): HTMLElement {
  if (photograph.thumbnail === undefined) return make('div', 'missing', 'no picture');
  const image = make('img', '');
  image.src = `data:image/webp;base64,${photograph.thumbnail}`;
  image.alt = `Photograph ${photograph.id}`;
  image.decoding = 'async';
  return image;
}

function spreadOf({ spread }: Photograph): string {
  return spread === undefined ? '' : ` · seeds differ by ±${number(spread)}`;
}

function figureOf(photograph: Photograph): HTMLElement {
  const signed = `${photograph.residual > 0 ? '+' : ''}${number(photograph.residual)}`;
  const caption = make(
    'figcaption',
    '',
    make('span', 'numbers', numbers(photograph)),
    make('span', 'name', `${photograph.id} · ${photograph.split} · error ${signed}${spreadOf(photograph)}`),
  );
  return make('figure', '', imageOf(photograph), caption);
}

// The card beside the pointer.
const card = part('#card', HTMLElement);
document.addEventListener('photograph-over', (event) => {
  const { index, x, y } = event.detail;
  const photograph = page.photographs[index];
  if (photograph === undefined) return;
  if (card.dataset['index'] !== String(index)) {
    card.dataset['index'] = String(index);
    card.replaceChildren(figureOf(photograph));
  }
  card.hidden = false;
  const { offsetWidth: width, offsetHeight: height } = card;
  card.style.left = `${Math.max(4, x + 18 + width > window.innerWidth ? x - width - 18 : x + 18)}px`;
  card.style.top = `${Math.max(4, Math.min(y + 12, window.innerHeight - height - 8))}px`;
});
document.addEventListener('photograph-out', () => {
  card.hidden = true;
});

// Pinned photographs.
const pinned = new Set<number>();
const pins = part('#pins', HTMLElement);
function showPins(): void {
  part('#pinned', HTMLElement).hidden = pinned.size === 0;
  pins.replaceChildren(
    ...[...pinned].flatMap((index) => {
      const photograph = page.photographs[index];
      if (photograph === undefined) return [];
      const remove = make('button', 'plain', 'Unpin');
      remove.type = 'button';
      remove.setAttribute('aria-label', `Unpin ${photograph.id}`);
      remove.addEventListener('click', () => {
        pinned.delete(index);
        showPins();
      });
      return [make('li', '', figureOf(photograph), remove)];
    }),
  );
}
document.addEventListener('photograph-pin', (event) => {
  const { index } = event.detail;
  if (!pinned.delete(index)) pinned.add(index);
  showPins();
});

/** An order that looks random and is the same each time: a hash of the id (FNV-1a). */
function shuffled(id: string): number {
  let hash = 2166136261;
  for (const character of id) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 16777619);
  return hash >>> 0;
}

const ORDERS: Readonly<Record<string, (photograph: Photograph) => number>> = {
  worst: ({ residual }) => -Math.abs(residual),
  best: ({ residual }) => Math.abs(residual),
  high: ({ residual }) => -residual,
  low: ({ residual }) => residual,
  random: ({ id }) => shuffled(id),
  target: ({ target }) => target,
  prediction: ({ prediction }) => prediction,
  spread: ({ spread }) => -(spread ?? 0),
};

// The gallery.
const order = part('#order', HTMLSelectElement);
const splitChoice = part('#split', HTMLSelectElement);
const search = part('#search', HTMLInputElement);
const more = part('#more', HTMLButtonElement);
let shown = PAGE;
function showGallery(): void {
  const text = search.value.toLowerCase();
  const chosen = page.photographs.filter(
    ({ id, split }) => (splitChoice.value === '' || split === splitChoice.value) && id.toLowerCase().includes(text),
  );
  const key = ORDERS[order.value] ?? ((photograph: Photograph): number => photograph.index);
  const sorted = chosen.toSorted((a, b) => key(a) - key(b) || a.index - b.index);
  const items = sorted.slice(0, shown).map((photograph) => make('li', '', figureOf(photograph)));
  part('#gallery', HTMLElement).replaceChildren(...items);
  part('#count', HTMLElement).textContent = `${items.length} of ${sorted.length} photographs shown`;
  more.hidden = items.length === sorted.length;
}
for (const control of [order, splitChoice, search]) {
  control.addEventListener('input', () => {
    shown = PAGE;
    showGallery();
  });
}
more.addEventListener('click', () => {
  shown += PAGE;
  showGallery();
});

// The table of all predictions, sorted by a column's button.
const columns = ['id', 'split', 'target', 'prediction', 'residual'] as const;
const rows = part('#rows', HTMLElement);
function showRows(sorted: readonly Photograph[]): void {
  rows.replaceChildren(
    ...sorted.map((photograph) => {
      const name = make('th', '', photograph.id);
      name.scope = 'row';
      const { split, target, prediction, residual } = photograph;
      return make(
        'tr',
        '',
        name,
        ...[split, number(target), number(prediction), number(residual)].map((text) => make('td', '', text)),
      );
    }),
  );
}
for (const button of document.querySelectorAll<HTMLButtonElement>('[data-column]')) {
  button.addEventListener('click', () => {
    const header = button.closest('th');
    const ascending = header?.ariaSort !== 'ascending';
    for (const other of button.closest('tr')?.cells ?? []) other.removeAttribute('aria-sort');
    header?.setAttribute('aria-sort', ascending ? 'ascending' : 'descending');
    const column = columns.find((name) => name === button.dataset['column']) ?? 'id';
    const compare = (a: Photograph, b: Photograph): number =>
      a[column] < b[column] ? -1 : a[column] > b[column] ? 1 : a.index - b.index;
    showRows(page.photographs.toSorted((a, b) => (ascending ? compare(a, b) : compare(b, a))));
  });
}
showRows(page.photographs);

// Pictures of pairs and suspects are drawn where the page left a place for them.
for (const place of document.querySelectorAll<HTMLElement>('[data-photograph]')) {
  const photograph = page.photographs[Number(place.dataset['photograph'])];
  if (photograph !== undefined) place.replaceChildren(imageOf(photograph));
}
showGallery();
