// One sweep: each trial a line through its settings, what matters, how the best was found, and whether it holds.

import { absent, badge, breakable, duration, el, facts, getJson, many, masthead, number, section, table, when } from "../dom.js";
import { barChart, lineChart, parallelCoordinates } from "../plots.js";
import { state } from "./sweeps.js";

const AGAIN_MS = 5000; // while it is at work
const OBJECTIVE = "objective";
const SURE = 0.05;

export async function show(main, name) {
  const page = el("div");
  main.append(page);
  let timer = 0, seen = "";
  async function draw() {
    const sweep = await getJson(`/api/sweeps/${encodeURIComponent(name)}`);
    const sign = `${sweep.finished} ${sweep.running} ${sweep.at_work} ${sweep.verdict}`;
    if (sign !== seen) page.replaceChildren(head(sweep), ...parts(sweep)); // else a brush that is set stays
    seen = sign;
    if (sweep.at_work) timer = setTimeout(() => draw().catch(() => {}), AGAIN_MS);
  }
  await draw();
  return () => clearTimeout(timer);
}

function head(sweep) {
  const counts = `${many(sweep.finished, "trial")}, ${number(sweep.pruned)} of them pruned, in ${duration(sweep.seconds)}`;
  return masthead(sweep.name, el("p", { class: "crumbs" }, el("a", { href: "#/sweeps" }, "all sweeps")),
    el("p", { class: "quiet" }, state(sweep), ` ${sweep.target}, begun `, when(sweep.created), ` · ${counts}`));
}

function parts(sweep) {
  const done = sweep.trials.filter((one) => one.objective !== null && (one.state === "complete" || one.state === "pruned"));
  if (!done.length) return [absent(sweep.at_work ? "The first trials are in work; this page looks again by itself." : "No trial was finished.")];
  return [section("Outcome", outcome(sweep)), Object.assign(section("Trials through the settings", strands(sweep, done)), { className: "whole" }),
    section("What matters", weights(sweep)), section("The search", course(sweep, done)), section("All trials", trials(sweep))];
}

function outcome(sweep) {
  const evidence = sweep.result?.evidence;
  const best = sweep.trials.find((one) => one.number === sweep.best_trial);
  const changed = Object.entries(best?.values ?? {}).map(([key, value]) => [key, `${number(value)}  (today ${number(sweep.today[key])})`]);
  return [el("p", { class: "about" }, sweep.verdict ? `${sweep.verdict[0].toUpperCase()}${sweep.verdict.slice(1)}.` : "The search goes on; the evidence comes at its end."),
    evidence && proof(evidence), best && el("h3", {}, `The best trial, ${number(sweep.best, 5)} on the windows of the search`), best && facts(changed),
    sweep.proposal && [el("h3", {}, "The proposal"), el("pre", { tabindex: "0" }, sweep.proposal)]];
}

function proof(evidence) {
  const signed = (value) => `${value < 0 ? "−" : "+"}${number(Math.abs(value))}`;
  const rows = evidence.lines.map((line) => [line.task, number(line.listeners), number(line.today), number(line.best),
    el("span", { class: line.p < SURE ? "best" : null }, `${signed(line.difference)} (${signed(Number(((100 * line.difference) / line.today).toFixed(1)))}%)`),
    el("span", { class: "bounds" }, `${signed(line.low)} to ${signed(line.high)}`), number(line.p, 2)]);
  return table(["task", { label: "listeners", number: true }, { label: "today", number: true }, { label: "best", number: true }, { label: "difference", number: true }, { label: "95% interval", number: true }, { label: "p", number: true }],
    rows, { label: "Evidence", caption: `${evidence.metric}; ${many(evidence.windows, "window")} that the search never saw, the same listeners for both. p of the single tasks is corrected for their number.` });
}

function strands(sweep, done) {
  const rows = done.map((one) => ({ values: { ...one.values, [OBJECTIVE]: one.objective }, label: called(one), href: one.run ? `#/run/${encodeURIComponent(one.run)}` : null, dim: one.state === "pruned" }));
  const dimensions = sweep.space.map((one) => ({ name: one.name, label: one.name.split(".").slice(1).join("."), log: Boolean(one.range?.log) }));
  const pruned = done.some((one) => one.state === "pruned") ? " Faint lines were pruned: their objective is estimated from the windows that they came to." : "";
  return parallelCoordinates(rows, [...dimensions, { name: OBJECTIVE, label: OBJECTIVE }], { colour: OBJECTIVE, label: "Trials through the settings",
    note: `Each line is a trial; the darker or brighter its colour, the better. Drag along an axis to keep a range.${pruned}` });
}

function weights(sweep) {
  const shares = Object.entries(sweep.result?.importances ?? {}).sort((a, b) => b[1] - a[1]);
  if (!sweep.result) return absent("This is worked out at the end of the search.");
  if (!shares.length) return absent("Too few trials to tell: it takes eight, and two for each setting.");
  return barChart(shares.map(([label, value]) => ({ label, value })), { format: (value) => `${Math.round(100 * value)}%`, max: 1, label: "Importance of the settings",
    note: "The share of the objective's variance that each setting explains by itself and with others (fANOVA), over the whole range that was searched." });
}

function course(sweep, done) {
  const whole = done.filter((one) => one.state === "complete").sort((a, b) => a.number - b.number);
  let top = -Infinity;
  const best = whole.map((one) => (top = Math.max(top, one.objective)));
  const x = whole.map((one) => one.number);
  return lineChart([{ name: "best so far", x, y: best }, { name: "this trial", x, y: whole.map((one) => one.objective), dim: true }],
    { xLabel: "trial", yLabel: sweep.metric.split(",")[0], marks: true, height: 260, label: "Objective by trial", note: "Whole trials only. The first has today's settings." });
}

function trials(sweep) {
  const names = sweep.space.map((one) => one.name);
  const order = [...sweep.trials].sort((a, b) => rank(a) - rank(b) || (b.objective ?? -Infinity) - (a.objective ?? -Infinity) || a.number - b.number);
  const rows = order.map((one) => [one.run ? el("a", { href: `#/run/${encodeURIComponent(one.run)}` }, called(one)) : called(one), word(one),
    one.objective, ...names.map((key) => one.values[key] ?? null), duration(one.seconds)]);
  return table(["trial", "state", { label: OBJECTIVE, number: true }, ...names.map((key) => ({ label: breakable(key), number: true })), { label: "took", number: true }], rows, { label: "All trials" });
}

const called = (one) => (one.number === 0 ? "0, today's settings" : `trial ${one.number}`);
const rank = (one) => ["complete", "pruned", "running", "failed"].indexOf(one.state);
const word = (one) => badge({ complete: "finished", pruned: "stale", running: "running", failed: "failed" }[one.state] ?? "unknown", one.state === "failed" ? "given up" : one.state);
