import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { PACKAGE_ROOT } from '../package-root.js';
import type { Chart } from './chart.js';
import { html, Html, jsonScript } from './html.js';

/** The whole Vega runtime: its smaller core build lacks the d3 modules that it needs. */
async function vegaRuntime(): Promise<string> {
  const folder = dirname(createRequire(import.meta.url).resolve('vega/vega-schema.json'));
  return readFile(join(folder, 'vega.min.js'), 'utf8');
}

/** A script of this package or of a library: it must not end its own element. */
function inlineScript(source: string, type: string): Html {
  return new Html(`<script${type}>${source.replaceAll('</script', '<\\/script')}</script>`);
}

/** A chart's place on the page, which the page's own script fills. */
export function chartFigure({ id, title, description }: Chart): Html {
  return html`<figure>
    <h3>${title}</h3>
    <div class="chart" id="chart-${id}" role="img" aria-label="${title}. ${description}"></div>
    <figcaption>${description}</figcaption>
  </figure>`;
}

/** What goes into a page. */
export interface PageParts {
  readonly title: string;
  readonly lead: string;
  /** Sections with an id and a heading each, in order; the navigation lists them. */
  readonly sections: readonly { readonly id: string; readonly title: string; readonly content: Html }[];
  readonly charts: readonly Chart[];
  readonly data: { readonly photographs: readonly object[] } & Readonly<Record<string, unknown>>;
}

/**
 * A page that opens from disk and asks the network for nothing: style, scripts, data and pictures are all inside, and
 * its content security policy forbids the rest. (Vega compiles its expressions, hence unsafe-eval.)
 */
export async function documentOf({ title, lead, sections, charts, data }: PageParts): Promise<string> {
  const folder = join(PACKAGE_ROOT, 'dist', 'pipeline', 'report', 'client');
  const css = await readFile(join(PACKAGE_ROOT, 'pipeline', 'report', 'page.css'), 'utf8');
  const scripts = await Promise.all(
    ['photographs.js', 'charts.js'].map((name) => readFile(join(folder, name), 'utf8')),
  );
  const policy =
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline' 'unsafe-eval'";
  const specs = charts.map(({ id, spec, points }) => ({ id, spec, points }));
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <link rel="icon" href="data:," />
        <title>${title}</title>
        <style>
          ${new Html(css)}
        </style>
      </head>
      <body>
        <a class="skip" href="#main">Skip to the content</a>
        <header>
          <h1>${title}</h1>
          <p>${lead}</p>
          <nav aria-label="Sections">
            <ul>
              ${sections.map((section) => html`<li><a href="#${section.id}">${section.title}</a></li>`)}
            </ul>
          </nav>
        </header>
        <main id="main">
          ${sections.map(
            (section) =>
              html`<section id="${section.id}" aria-labelledby="${section.id}-title">
                <h2 id="${section.id}-title">${section.title}</h2>
                ${section.content}
              </section> `,
          )}
        </main>
        <footer><p class="quiet">Made by pool5. This page is one file and asks the network for nothing.</p></footer>
        <div id="card" class="card" aria-hidden="true" hidden></div>
        ${jsonScript('data', data)} ${jsonScript('charts', specs)} ${inlineScript(await vegaRuntime(), '')}
        ${scripts.map((script) => inlineScript(script, ' type="module"'))}
      </body>
    </html> `.source;
}
