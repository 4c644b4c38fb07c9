import { html, type Html } from './html.js';

function choices(values: readonly (readonly [string, string])[]): Html[] {
  return values.map(([value, text]) => html`<option value="${value}">${text}</option>`);
}

/**
 * The place for photographs that the page's script fills: a gallery with its controls, and a table of all.
 * @param first orders to choose from before the usual ones, the chosen one first
 */
export function galleryOf(splits: readonly string[], first: readonly (readonly [string, string])[] = []): Html {
  const orders = choices([
    ...first,
    ['worst', 'Worst first'],
    ['best', 'Best first'],
    ['random', 'Random'],
    ['high', 'Too high first'],
    ['low', 'Too low first'],
    ['target', 'True value'],
    ['prediction', 'Predicted value'],
  ]);
  const parts = choices([['', 'All'], ...splits.map((split) => [split, split] as const)]);
  const columns = [
    ['id', 'Photograph'],
    ['split', 'Split'],
    ['target', 'True'],
    ['prediction', 'Predicted'],
    ['residual', 'Error'],
  ] as const;
  const heads = columns.map(
    ([column, name]) => html`<th scope="col"><button type="button" data-column="${column}">${name}</button></th>`,
  );
  return html`<div class="controls">
      <label
        >Order
        <select id="order">
          ${orders}
        </select></label
      ><label
        >Split
        <select id="split">
          ${parts}
        </select></label
      ><label>Name contains <input id="search" type="search" /></label
      ><span id="count" class="quiet" role="status"></span>
    </div>
    <ul class="gallery" id="gallery"></ul>
    <button type="button" class="plain" id="more">Show more</button>
    <details>
      <summary>All predictions as a table</summary>
      <div class="scroll" tabindex="0" role="group" aria-label="All predictions">
        <table id="predictions">
          <caption>
            All predictions; a column's name sorts by it
          </caption>
          <thead>
            <tr>
              ${heads}
            </tr>
          </thead>
          <tbody id="rows"></tbody>
        </table>
      </div>
    </details>`;
}
