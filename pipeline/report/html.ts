/** HTML that is safe to insert as it is. Everything else that enters a page is text, and is escaped. */
export class Html {
  readonly source: string;

  constructor(source: string) {
    this.source = source;
  }
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escape(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}

type Part = string | number | Html | undefined | readonly Html[];

function insert(part: Part): string {
  if (part === undefined) return '';
  if (part instanceof Html) return part.source;
  if (typeof part === 'object') return part.map(({ source }) => source).join('');
  return escape(String(part));
}

/** A template whose inserted strings and numbers are escaped. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(strings.map((text, index) => text + (index < parts.length ? insert(parts[index]) : '')).join(''));
}

/** JSON for a script element: no < can end it, and no line separator can break it. */
export function jsonScript(id: string, value: unknown): Html {
  const json = JSON.stringify(value)
    .replaceAll('<', '\\u003c')
    .replaceAll('\u2028', '\\u2028')
    .replaceAll('\u2029', '\\u2029');
  return new Html(`<script type="application/json" id="${escape(id)}">${json}</script>`);
}

/** A table with a caption, headed columns and headed rows. */
export function table(
  caption: string,
  columns: readonly string[],
  rows: readonly (readonly (string | Html)[])[],
): Html {
  const head = columns.map((column) => html`<th scope="col">${column}</th>`);
  const body = rows.map(
    ([first, ...rest]) =>
      html`<tr>
        <th scope="row">${first}</th>
        ${rest.map((cell) => html`<td>${cell}</td>`)}
      </tr>`,
  );
  return html`<div class="scroll" tabindex="0" role="group" aria-label="${caption}">
    <table>
      <caption>
        ${caption}
      </caption>
      <thead>
        <tr>
          ${head}
        </tr>
      </thead>
      <tbody>
        ${body}
      </tbody>
    </table>
  </div>`;
}

/** Tables of names and values, side by side where there is room. */
export function factsOf(
  facts: readonly { readonly title: string; readonly rows: readonly (readonly [string, string])[] }[],
): Html {
  return html`<div class="facts">
    ${facts.map(({ title, rows }) => html`<div>${table(title, ['Name', 'Value'], rows)}</div>`)}
  </div>`;
}

/** What a reader should know first; nothing where there is nothing. */
export function notesOf(notes: readonly string[]): Html | undefined {
  if (notes.length === 0) return undefined;
  return html`<ul class="notes" aria-label="Notes">
    ${notes.map((note) => html`<li>${note}</li>`)}
  </ul>`;
}
