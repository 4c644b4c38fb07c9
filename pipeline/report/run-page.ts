import { chartsOf } from './charts.js';
import { chartFigure, documentOf } from './document.js';
import { errorsOf } from './errors-of.js';
import { galleryOf } from './gallery.js';
import { factsOf, html, notesOf, table, type Html } from './html.js';
import { decimalsFor, groupsOf, splitsOf, type Duplicate, type RunReport, type Suspect } from './outcome.js';

function errorTable(report: RunReport, number: (value: number) => string): Html {
  const unit = report.unit === '' ? '' : ` (${report.unit})`;
  const splits = splitsOf(report.outcomes).map((split) => {
    const { count, mae, rmse, r2 } = errorsOf(report.outcomes.filter((outcome) => outcome.split === split));
    return [split, String(count), number(mae), number(rmse), r2 === undefined ? '–' : r2.toFixed(3)];
  });
  const judged = splitsOf(report.outcomes).at(-1) ?? '';
  const references = report.references.map(({ name, mae, rmse }) => [
    `${name} (${judged})`,
    '',
    mae === undefined ? '–' : number(mae),
    number(rmse),
    '',
  ]);
  return table(
    'Errors by split, and what they compare with',
    ['Split', 'Photographs', `MAE${unit}`, `RMSE${unit}`, 'R²'],
    [...splits, ...references],
  );
}

function pairItem(
  { a, b, distance, splits, targets }: Duplicate,
  index: ReadonlyMap<string, number>,
  number: (value: number) => string,
): Html {
  const straddles =
    splits[0] === splits[1] ? `both ${splits[0]}` : `${splits[0]} and ${splits[1]}: the error of the latter flatters`;
  return html`<li>
    <figure>
      <div class="pair">
        <div data-photograph="${index.get(a) ?? ''}"></div>
        <div data-photograph="${index.get(b) ?? ''}"></div>
      </div>
      <figcaption>
        <span class="numbers">true ${number(targets[0])} and ${number(targets[1])}</span
        ><span class="name">${a} · ${b} · distance ${distance.toFixed(4)} · ${straddles}</span>
      </figcaption>
    </figure>
  </li>`;
}

function suspectItem(
  { id, target, prediction, expected, score }: Suspect,
  index: ReadonlyMap<string, number>,
  number: (value: number) => string,
): Html {
  return html`<li>
    <figure>
      <div data-photograph="${index.get(id) ?? ''}"></div>
      <figcaption>
        <span class="numbers"
          >true ${number(target)} · predicted ${number(prediction)} · look-alikes ${number(expected)}</span
        ><span class="name">${id} · ${score.toFixed(1)} deviations off</span>
      </figcaption>
    </figure>
  </li>`;
}

function lookAlikes({ likeness, outcomes }: RunReport, number: (value: number) => string): Html {
  if (likeness === undefined) return html`<p>Not examined: the features of these photographs were not at hand.</p>`;
  const index = new Map(outcomes.map(({ id }, position) => [id, position]));
  const { suspects, duplicates } = likeness;
  const wrong =
    suspects.length === 0
      ? html`<p>None stands out.</p>`
      : html`<ul class="gallery">
          ${suspects.map((each) => suspectItem(each, index, number))}
        </ul>`;
  const pairs =
    duplicates.length === 0
      ? html`<p>None.</p>`
      : html`<ul class="gallery">
          ${duplicates.map((each) => pairItem(each, index, number))}
        </ul>`;
  return html`<h3>Likely label errors</h3>
    <p class="quiet">
      The label is far from what photographs with similar features say, and the head agrees with them.
    </p>
    ${wrong}
    <h3>Near-duplicates</h3>
    <p class="quiet">Different files whose features are almost the same.</p>
    ${pairs}`;
}

/**
 * A run's page.
 * @param thumbnails base64 WebP for each outcome, in their order
 */
export function runPage(report: RunReport, thumbnails: readonly (string | undefined)[]): Promise<string> {
  const { outcomes, name, unit } = report;
  const decimals = decimalsFor(outcomes.map(({ target }) => target));
  const number = (value: number): string => value.toFixed(decimals);
  const groups = groupsOf(outcomes.map(({ id }) => id));
  const photographs = outcomes.map(({ id, split, target, prediction }, index) => ({
    index,
    id,
    split,
    group: groups.get(id) ?? '',
    target,
    prediction,
    residual: prediction - target,
    thumbnail: thumbnails[index],
  }));
  const charts = chartsOf(report);
  const split = splitsOf(outcomes).at(-1) ?? '';
  const { count, mae } = errorsOf(outcomes.filter((outcome) => outcome.split === split));
  const spoken = `${number(mae)}${unit === '' ? '' : ` ${unit}`}`;
  const interval =
    report.interval === undefined
      ? ''
      : ` About ${Math.round(report.interval.coverage * 100)}\u00a0% of new photographs like these lie within ±${number(report.interval.half)}${unit === '' ? '' : ` ${unit}`} of the prediction.`;
  return documentOf({
    title: `Run ${name}`,
    lead: `Predicts ${report.target}. On the ${count} ${split} photographs it is off by ${spoken} on average.${interval}`,
    sections: [
      { id: 'errors', title: 'Errors', content: html`${notesOf(report.notes)}${errorTable(report, number)}` },
      {
        id: 'charts-section',
        title: 'Charts',
        content: html`<p class="quiet">
            Point at a photograph's mark to see it; click to pin it. The gallery below shows the same to a keyboard.
          </p>
          <div class="charts">${charts.map(chartFigure)}</div>
          <section id="pinned" aria-label="Pinned photographs" hidden>
            <h3>Pinned</h3>
            <ul class="gallery" id="pins"></ul>
          </section>`,
      },
      { id: 'photographs', title: 'Photographs', content: galleryOf(splitsOf(outcomes)) },
      { id: 'look-alikes', title: 'Labels and look-alikes', content: lookAlikes(report, number) },
      {
        id: 'settings',
        title: 'Settings',
        content: factsOf(report.facts),
      },
    ],
    charts,
    data: { unit, decimals, photographs },
  });
}
