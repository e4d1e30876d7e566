// What the ranker goes by: one run as bars; several as ranks from run to run, bars side by side, and a table.

import { absent, breakable, el, getJson, many, masthead, number, remember, section, svg, table, when, withQuery } from "../dom.js";
import { barChart, hue } from "../plots.js";
import { figure, spoken } from "../plots/frame.js";

const AT_FIRST = 6; // runs that are drawn before the reader chose any
const COLUMNS = "space,importance.lists";
const DRAWN = 14; // features that a plot shows; the table has them all
const MEASURES = {
  permutation: ["Permutation", "How far the metric falls when the feature is shuffled within its list, on lists kept out of the training. Of two features that say the same, each covers for the other. What is equal for a whole list has nothing to shuffle and gets 0."],
  gain: ["Gain", "The share of what all splits took off the training loss. It flatters features with many distinct values, and counts what was only memorised."],
  shap: ["Contributions (SHAP)", "How far the feature moves a row’s score, on average and without its sign. It says how the model reckons, not how the world works."],
};

export async function show(main, rest, query) {
  const known = (await getJson("/api/names")).names.some((one) => one.ask === "importance.rows"); // else asking is an error
  const { rows } = known ? await getJson(withQuery("/api/runs", { where: "importance.rows > 0", sort: "-created", limit: 200, columns: COLUMNS })) : { rows: [] };
  main.append(masthead("What the ranker goes by", el("p", { class: "about" }, "Every training keeps how much each feature of its ranker matters, measured in three ways.")));
  if (!rows.length) {
    main.append(absent("No run has one yet; ", el("code", {}, "palate train"), " makes one with every ranker."));
    return;
  }
  const runs = rows.reverse(); // oldest first, as they are drawn
  const asked = (query.get("runs") ?? "").split(",");
  const some = runs.filter((one) => asked.includes(one.id));
  const choice = { by: Object.hasOwn(MEASURES, query.get("by") ?? "") ? query.get("by") : "permutation", ids: new Set((some.length ? some : runs.slice(-AT_FIRST)).map((one) => one.id)) };
  const tables = new Map();
  const here = el("div", { "aria-live": "polite" });
  let turn = 0;

  async function draw() {
    const mine = ++turn;
    const chosen = runs.filter((one) => choice.ids.has(one.id));
    remember({ runs: chosen.map((one) => one.id).join(","), by: choice.by });
    await Promise.all(chosen.filter((one) => !tables.has(one.id)).map(async (one) => {
      tables.set(one.id, await getJson(withQuery(`/api/runs/${encodeURIComponent(one.id)}/table`, { name: "importance", limit: 500 })));
    }));
    if (mine === turn) here.replaceChildren(...drawn(chosen, chosen.map((one) => columnOf(tables.get(one.id), choice.by)), choice.by));
  }
  const measures = el("ul", { class: "chips", "aria-label": "Measure" }, Object.entries(MEASURES).map(([by, [label]]) =>
    el("li", {}, el("button", { type: "button", "aria-pressed": String(by === choice.by), onclick: (event) => {
      choice.by = by;
      for (const one of measures.querySelectorAll("button")) one.setAttribute("aria-pressed", String(one === event.currentTarget));
      draw();
    } }, label))));
  main.append(measures, picks(runs, choice, draw), here);
  await draw();
}

function picks(runs, choice, draw) {
  const told = el("span");
  const tell = () => told.replaceChildren(`${number(choice.ids.size)} of ${many(runs.length, "run")} drawn`);
  const toggle = (id) => (event) => {
    if (event.target.checked) choice.ids.add(id); else choice.ids.delete(id);
    tell();
    draw();
  };
  tell();
  return el("details", { class: "picks" }, el("summary", {}, told), [...runs].reverse().map((one) => el("label", {},
    el("input", { type: "checkbox", checked: choice.ids.has(one.id), onchange: toggle(one.id) }), el("span", {}, nameOf(one)), when(one.created))));
}

// What a run was asked for beside its name, in the order of COLUMNS: the space that it made, the lists it was measured on.
const nameOf = (run) => [run.values[0], run.name === run.id ? null : run.name].filter(Boolean).join(" · ") || run.id;
const lists = (run) => run.values[1];

/** One measure of one run: Map of feature -> {value, low, high, sign, share, rank}; a share is of what is above 0. */
function columnOf(told, by) {
  const at = Object.fromEntries(told.columns.map((name, place) => [name, place]));
  const rows = told.rows.filter((row) => Number.isFinite(row[at[by]]));
  const total = rows.reduce((sum, row) => sum + Math.max(row[at[by]], 0), 0);
  return new Map(rows.map((row) => {
    const value = row[at[by]];
    const [low, high] = by === "permutation" ? [row[at.permutation_low], row[at.permutation_high]] : [null, null];
    const bounds = high > low ? { low, high } : {}; // equal where shuffling cannot change anything
    const rank = 1 + rows.filter((other) => other[at[by]] > value).length;
    return [row[at.feature], { value, ...bounds, sign: by === "shap" ? row[at.shap_sign] : null, share: total ? Math.max(value, 0) / total : 0, rank }];
  }));
}

function drawn(runs, columns, by) {
  if (!runs.length) return [absent("No run is chosen.")];
  const about = el("p", { class: "note" }, MEASURES[by][1]);
  const last = columns.at(-1);
  const features = [...new Set([...columns].reverse().flatMap((column) => [...column.keys()]))].sort((a, b) => (last.get(b)?.value ?? -Infinity) - (last.get(a)?.value ?? -Infinity));
  if (!features.length) return [absent("These runs do not have this measure.")];
  if (runs.length === 1) return [section("Features", about, single(runs[0], last, features))];
  const top = features.slice(0, DRAWN);
  return [section("From run to run", about, bumps(runs, columns, top)), section("Side by side", grouped(runs, columns, top)), section("All features", sheet(runs, columns, features))];
}

function single(run, column, features) {
  const rows = features.map((name) => ({ label: name, ...column.get(name), note: direction(column.get(name).sign) }));
  const measured = lists(run) ? ` Measured on ${many(lists(run), "list")} kept out of the training.` : "";
  return barChart(rows, { label: `Features of ${nameOf(run)}`, note: `${nameOf(run)}.${measured}` });
}

const direction = (sign) => (Number.isFinite(sign) ? `More of it means a ${sign > 0 ? "higher" : "lower"} score (correlation ${number(sign, 2)}).` : null);

/** Ranks over runs: a line a feature, named at its end. */
function bumps(runs, columns, features) {
  const worst = Math.max(...columns.flatMap((column) => features.map((name) => column.get(name)?.rank ?? 0)), 2);
  const height = 44 + 24 * Math.min(worst, 24);
  const latest = runs.length - 1;
  return figure({ height, label: "Rank of each feature, run by run", note: "Rank 1 stands on top; runs go from the oldest to the latest. Equal values share the better rank." }, (width, tall, say) => {
    const room = Math.min(170, width * 0.42);
    const x = (place) => 30 + (place * (width - room - 42)) / latest;
    const y = (rank) => 20 + ((rank - 1) * (tall - 50)) / (worst - 1);
    const points = features.map((name) => columns.map((column) => column.get(name)?.rank ?? null));
    const ends = spread(features.map((name, order) => ({ name, order, y: y(points[order].at(-1) ?? worst) })));
    const lines = points.map((ranks, order) => svg("g", { style: `color:${hue(order)}` },
      svg("path", { d: pathOf(ranks, x, y), style: "fill:none;stroke:currentColor;stroke-width:2", "stroke-dasharray": order > 7 ? "5 3" : null }),
      ranks.map((rank, place) => rank !== null && svg("circle", { cx: x(place), cy: y(rank), r: 4, style: "fill:currentColor" }))));
    const names = ends.map((one) => svg("text", { x: x(latest) + 12, y: one.y + 4, style: `fill:${hue(one.order)};font-size:12px` }, fitting(one.name, room - 14)));
    const ticks = columns.map((_, place) => svg("text", { x: x(place), y: tall - 8, "text-anchor": place ? (place === latest ? "end" : "middle") : "start", style: "fill:var(--quiet);font-size:11px" },
      place && place < latest && x(1) - x(0) < 104 ? "" : fitting(nameOf(runs[place]), Math.min((x(latest) - x(0)) / 2 - 6, 96))));
    let at = -1;
    const tell = (order) => {
      at = order;
      lines.forEach((line, place) => line.setAttribute("opacity", place === order ? 1 : 0.22));
      const cells = columns.map((column, place) => ({ run: runs[place], cell: column.get(features[order]) }));
      say([spoken(hue(order), features[order], ""), ...cells.map(({ run, cell }) => spoken(null, nameOf(run), cell ? `rank ${cell.rank}, ${percent(cell.share)}` : "not there"))], x(latest) - 40, ends.find((one) => one.order === order).y);
    };
    return {
      node: svg("g", {}, lines, names, ticks),
      move: (px, py) => {
        const place = Math.max(0, Math.min(latest, Math.round(((px - 30) / Math.max(x(latest) - 30, 1)) * latest)));
        const far = px > x(latest) + 8 ? (order) => ends.find((one) => one.order === order).y : (order) => y(points[order][place] ?? Infinity);
        const order = features.map((_, one) => one).reduce((best, one) => (Math.abs(far(one) - py) < Math.abs(far(best) - py) ? one : best), 0);
        return Math.abs(far(order) - py) < 20 ? tell(order) : false;
      },
      step: (by) => tell(Math.max(0, Math.min(features.length - 1, at + by))),
      clear: () => lines.forEach((line) => line.setAttribute("opacity", 1)),
    };
  });
}

function pathOf(ranks, x, y) {
  let path = "";
  ranks.forEach((rank, place) => { if (rank !== null) path += `${place && ranks[place - 1] !== null ? "L" : "M"}${x(place).toFixed(1)} ${y(rank).toFixed(1)}`; });
  return path;
}

/** The names moved apart to 14 pixels, in the order of their heights. */
function spread(ends) {
  const sorted = [...ends].sort((a, b) => a.y - b.y || a.order - b.order);
  sorted.forEach((one, place) => { if (place) one.y = Math.max(one.y, sorted[place - 1].y + 14); });
  return sorted;
}

const fitting = (name, pixels) => {
  const letters = Math.max(Math.floor(pixels / 6.4), 4);
  return name.length > letters ? `${name.slice(0, letters - 1)}…` : name;
};
const percent = (share) => `${(100 * share).toFixed(1)}%`;

/** Shares as bars, the runs below one another for each feature. */
function grouped(runs, columns, features) {
  const most = Math.max(...features.flatMap((name) => columns.map((column) => column.get(name)?.share ?? 0)), 1e-9);
  const bar = (cell, order) => el("div", { style: "display:grid;grid-template-columns:minmax(0,1fr) 4.2rem;gap:.6rem;align-items:center", title: nameOf(runs[order]) },
    el("span", { style: `display:block;height:.62rem;width:${cell ? (100 * cell.share) / most : 0}%;min-width:1px;background:${hue(order)}` }), el("span", { class: "number", style: "font-size:.85rem" }, cell ? percent(cell.share) : "–"));
  return el("figure", { class: "plot" }, el("ul", { class: "legend" }, runs.map((run, order) => el("li", {}, el("i", { style: `background:${hue(order)}` }), nameOf(run)))),
    el("dl", { style: "margin:0" }, features.map((name) => el("div", { style: "margin:0 0 .7rem" }, el("dt", {}, breakable(name)),
      el("dd", { style: "margin:0" }, columns.map((column, order) => bar(column.get(name), order)))))),
    el("figcaption", {}, "The share of a run’s sum over what is above 0."));
}

function sheet(runs, columns, features) {
  const cell = (one) => (one ? el("span", {}, percent(one.share), el("span", { class: "note" }, ` ${one.rank}.`)) : null);
  const rose = (name) => {
    const [first, last] = [columns[0].get(name)?.rank, columns.at(-1).get(name)?.rank];
    if (first === undefined || last === undefined) return "new or gone";
    return first === last ? "as before" : first > last ? `up ${first - last}` : `down ${last - first}`;
  };
  return table(["feature", ...runs.map((run) => ({ label: nameOf(run), number: true })), "first to last"],
    features.map((name) => [name, ...columns.map((column) => cell(column.get(name))), rose(name)]), { label: "All features", caption: "Share and rank in each run." });
}
