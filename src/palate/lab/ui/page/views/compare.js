// Runs side by side: what was set differently, what came of it, curves over one another, two names against each other.

import { absent, badge, breakable, duration, el, getJson, masthead, number, problem, remember, section, shown, titleOf, when, withQuery } from "../dom.js";
import { curves } from "../parts/curves.js";
import { nameList } from "../parts/names.js";
import { hue, scatter } from "../plots.js";

export async function show(main, rest, query) {
  const ids = (query.get("ids") ?? "").split(",").filter(Boolean);
  const choice = { x: query.get("x"), y: query.get("y"), where: query.get("where") ?? "", all: !ids.length || query.has("all") };
  if (ids.length > 1) {
    const told = await getJson(withQuery("/api/compare", { ids: ids.join(",") }));
    main.append(masthead(`${told.runs.length} runs side by side`), ...drawn(told));
    const here = [el("div", {}, el("p", { class: "quiet" }, "Reading the curves.")), el("div")];
    main.append(section("Curves", here[0]), section("Machine", here[1]));
    drawCurves(told.runs, here);
  } else {
    main.append(masthead("Runs against each other"));
  }
  main.append(section("Two names", await against(ids, choice)));
}

function drawn(told) {
  const ids = told.runs.map((run) => run.id);
  const without = (gone) => withQuery("#/compare", { ids: ids.filter((one) => one !== gone).join(",") });
  const runs = el("ol", { class: "compared" }, told.runs.map((run, place) => el("li", {}, dot(place), el("a", { href: `#/run/${encodeURIComponent(run.id)}` }, titleOf(run)), badge(run.state),
    run.simulated && badge("simulated", "SIMULATED"), el("span", { class: "note" }, run.job, ", ", when(run.created), ", ", duration(run.seconds)),
    ids.length > 2 && el("a", { class: "note", href: without(run.id), "aria-label": `Leave out ${titleOf(run)}` }, "leave out"))));
  const cautions = told.cautions.length && el("ul", { class: "told warn" }, told.cautions.map((one) => el("li", {}, one)));
  const settings = told.config.length ? sideBySide(told.config, told.runs) : absent("All settings are the same.");
  return [runs, cautions, section("Set differently", settings, told.config.length > 0 && el("p", { class: "note" }, `${number(told.same_settings)} other settings are the same.`)),
    told.about.length && section("Made of and where", sideBySide(told.about, told.runs)), section("What came of it", results(told))].filter(Boolean);
}

const dot = (place) => el("i", { class: "dot", style: `background:${hue(place)}`, "aria-hidden": "true" });
const heads = (runs) => runs.map((run, place) => el("th", { scope: "col", class: "number" }, dot(place), titleOf(run)));

function sideBySide(rows, runs) {
  return el("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "Differences" }, el("table", {}, el("thead", {}, el("tr", {}, el("td"), heads(runs))),
    el("tbody", {}, rows.map((row) => el("tr", {}, el("th", { scope: "row" }, breakable(row.name)), row.values.map((value) => el("td", { class: "number" }, shown(value))))))));
}

/** Every result with its difference to the first run; the best stands out. */
function results(told) {
  const body = el("tbody");
  const search = el("input", { type: "search", oninput: draw, "aria-label": "Find a result" });
  function draw() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const rows = told.summary.filter((row) => words.every((word) => row.name.toLowerCase().includes(word)));
    body.replaceChildren(...rows.map((row) => el("tr", {}, el("th", { scope: "row" }, breakable(row.name)), row.values.map((value, place) =>
      el("td", { class: row.best.includes(place) ? "number best" : "number" }, shown(value), row.differences[place] !== null && difference(row.differences[place], row.values[0]))))));
  }
  if (!told.summary.length) return absent("None of them came to a number yet.");
  draw();
  const sheet = el("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "Results" }, el("table", {}, el("caption", {}, "Below each number its difference to the first run; the best of a row is bold."),
    el("thead", {}, el("tr", {}, el("td"), heads(told.runs))), body));
  return el("div", {}, told.summary.length > 15 && el("label", { class: "field narrow" }, "Find", search), sheet);
}

function difference(value, first) {
  const sign = value > 0 ? "+" : value < 0 ? "−" : "±";
  const share = first ? ` (${sign}${number(Math.abs((100 * value) / first), 3)}%)` : "";
  return el("span", { class: "note block" }, sign, number(Math.abs(value)), share);
}

async function drawCurves(runs, [curvesHere, machineHere]) {
  const read = (kind) => Promise.all(runs.map((run) => getJson(`/api/runs/${encodeURIComponent(run.id)}/history?kind=${kind}&most=400`).then((told) => ({ name: titleOf(run), series: told.series }))));
  try {
    const [logged, system] = await Promise.all([read("log"), read("system")]);
    const some = (histories) => histories.some((one) => Object.keys(one.series).length);
    curvesHere.replaceChildren(...(some(logged) ? [names(runs), ...curves(logged)] : [absent("None of them logged anything by step.")]));
    machineHere.replaceChildren(...(some(system) ? [names(runs), ...curves(system, { time: true })] : [absent("None of them measured the machine.")]));
  } catch (error) {
    curvesHere.replaceChildren(problem(error));
  }
}

const names = (runs) => el("ul", { class: "legend sticky" }, runs.map((run, place) => el("li", {}, dot(place), titleOf(run))));

/** A scatter of two names over these runs, or over all that meet a condition. */
async function against(ids, choice) {
  const told = await getJson("/api/names");
  const found = told.names.filter((one) => one.number);
  const [first, second] = [...told.columns, "seconds", "created"];
  choice.x ??= second;
  choice.y ??= first;
  const here = el("div");
  const input = (name, label) => el("label", { class: "field" }, label, el("input", { list: "numbers", value: choice[name], onchange: (event) => { choice[name] = event.target.value.trim(); draw(); } }));
  const where = el("label", { class: "field grows" }, "Over the runs where", el("input", { value: choice.where, placeholder: "all runs", spellcheck: "false", autocapitalize: "off", onchange: (event) => { choice.where = event.target.value.trim(); choice.all = true; over.checked = true; draw(); } }));
  const over = el("input", { type: "checkbox", onchange: () => { choice.all = over.checked; draw(); } });
  over.checked = choice.all;
  async function draw() {
    remember({ ids: ids.join(","), x: choice.x, y: choice.y, where: choice.where, all: choice.all && ids.length ? "1" : "" });
    try {
      const told = await getJson(withQuery("/api/points", { x: choice.x, y: choice.y, where: choice.where, ids: choice.all ? "" : ids.join(",") }));
      const dots = told.points.map((one) => ({ ...one, href: `#/run/${encodeURIComponent(one.id)}` }));
      here.replaceChildren(scatter(dots, { xLabel: choice.x, yLabel: choice.y, label: `${choice.y} over ${choice.x}`, height: 360,
        note: `${number(told.of)} of ${number(told.runs)} runs have both.${told.of > dots.length ? ` The newest ${number(dots.length)} are drawn.` : ""}` }));
    } catch (error) {
      here.replaceChildren(problem(error));
    }
  }
  await draw();
  return el("div", {}, el("div", { class: "tools" }, el("datalist", { id: "numbers" }, nameList(found)), input("y", "Upwards"), input("x", "To the right"), where,
    ids.length > 1 && el("label", { class: "check" }, over, "more than these runs")), here);
}
