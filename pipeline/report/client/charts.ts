// Runs in the reader's browser: draws the charts and says which photograph the pointer is on.
// Each script of a page stands alone (they are inlined, not bundled) and talks to the others through events.

interface PhotographRow {
  readonly index: number;
  readonly thumbnail?: string;
  readonly [field: string]: string | number | undefined;
}

interface ItemUnderPointer {
  readonly datum?: { readonly index?: number };
}

interface VegaView {
  data(name: string, values: readonly object[]): VegaView;
  addEventListener(type: string, handler: (event: PointerEvent, item: ItemUnderPointer | null) => void): VegaView;
  runAsync(): Promise<VegaView>;
}

interface ChartOnPage {
  readonly id: string;
  readonly spec: {
    readonly data?: readonly { readonly name: string; readonly values?: unknown; readonly source?: unknown }[];
  };
  readonly points: boolean;
}

declare const vega: {
  parse(spec: object): object;
  View: new (runtime: object, options: { renderer: string; container: Element; hover: boolean }) => VegaView;
};

/** What the page's own generator wrote. */
function textOf(id: string): string {
  return document.querySelector(`#${id}`)?.textContent ?? 'null';
}

function announce(
  type: 'photograph-over' | 'photograph-pin' | 'photograph-out',
  event: PointerEvent,
  index?: number,
): void {
  document.dispatchEvent(new CustomEvent(type, { detail: { index, x: event.clientX, y: event.clientY } }));
}

async function draw({ id, spec, points }: ChartOnPage, rows: readonly object[]): Promise<void> {
  const container = document.querySelector(`#chart-${id}`);
  if (container === null) return;
  const view = new vega.View(vega.parse(spec), { renderer: 'svg', container, hover: false });
  if (spec.data?.some(({ name }) => name === 'photographs') === true) view.data('photographs', rows);
  if (points) {
    view.addEventListener('pointermove', (event, item) => {
      const index = item?.datum?.index;
      announce(index === undefined ? 'photograph-out' : 'photograph-over', event, index);
    });
    view.addEventListener('click', (event, item) => {
      const index = item?.datum?.index;
      if (index !== undefined) announce('photograph-pin', event, index);
    });
    container.addEventListener('pointerleave', (event) => {
      if (event instanceof PointerEvent) announce('photograph-out', event);
    });
  }
  await view.runAsync();
  // The container is the image that assistive technology hears of, with its description as its name.
  container.querySelector('svg')?.setAttribute('aria-hidden', 'true');
}

const { photographs: everything }: { photographs: readonly PhotographRow[] } = JSON.parse(textOf('data'));
const chartRows = everything.map(({ thumbnail: _thumbnail, ...row }) => row);
const chartList: readonly ChartOnPage[] = JSON.parse(textOf('charts'));
await Promise.all(chartList.map((each) => draw(each, chartRows)));
document.documentElement.dataset['drawn'] = 'true';
