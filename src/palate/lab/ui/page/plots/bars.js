// Bars that lie, so that names have room.

import { el, number } from "../dom.js";

export function barChart(rows, options = {}) {
  const format = options.format ?? ((value) => number(value));
  const ends = rows.flatMap((row) => [row.value, row.low, row.high]).filter(Number.isFinite);
  const low = Math.min(0, ...ends);
  const high = Math.max(options.max ?? 0, ...ends, low === 0 && !ends.length ? 1 : 0);
  const part = (value) => (high === low ? 0 : (100 * (value - low)) / (high - low));
  const bar = (row) => {
    const [from, to] = [Math.min(row.value, 0), Math.max(row.value, 0)];
    return el("span", { class: "track" },
      Number.isFinite(row.value) && el("span", { class: "bar", style: `left:${part(from)}%;width:${part(to) - part(from)}%` }),
      Number.isFinite(row.low) && Number.isFinite(row.high)
        && el("span", { class: "range", style: `left:${part(row.low)}%;width:${part(row.high) - part(row.low)}%` }));
  };
  const bounds = (row) => Number.isFinite(row.low) && Number.isFinite(row.high) ? el("span", { class: "bounds" }, ` ${format(row.low)} to ${format(row.high)}`) : null;
  return el("figure", { class: "plot bars" }, options.title && el("p", { class: "plot-title" }, options.title),
    el("ul", { "aria-label": options.label ?? options.title ?? "Bars" }, rows.map((row) =>
      el("li", { class: row.dim ? "dim" : null, title: row.note },
        row.href ? el("a", { class: "name", href: row.href }, row.label) : el("span", { class: "name" }, row.label),
        bar(row), el("span", { class: "number" }, format(row.value), bounds(row))))),
    options.note && el("figcaption", {}, options.note));
}
