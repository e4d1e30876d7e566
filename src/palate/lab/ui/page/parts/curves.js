// Small multiples: one plot for each name, under the word before the first dot of the name.

import { duration, el } from "../dom.js";
import { lineChart } from "../plots.js";

const OPEN = 24; // plots that are drawn at once; the rest waits in a <details>

/** names -> [[prefix, [names]]], names without a dot first. */
export function byPrefix(names) {
  const groups = new Map([["", []]]);
  for (const name of names) {
    const prefix = name.includes(".") ? name.split(".")[0] : "";
    groups.set(prefix, [...(groups.get(prefix) ?? []), name]);
  }
  return [...groups].filter(([, some]) => some.length);
}

/** Plots of histories: [{name, series: {metric: {steps, seconds, values}}}], one line for each history that has the metric.
 *  time: true draws over seconds since the start. log: a logarithmic y axis. */
export function curves(histories, { time = false, log = false } = {}) {
  const names = [...new Set(histories.flatMap((one) => Object.keys(one.series)))];
  const drawable = names.filter((name) => histories.some((one) => (one.series[name]?.values.length ?? 0) > 0));
  let drawn = 0;
  return byPrefix(drawable).map(([prefix, some]) => {
    const panels = el("div", { class: "panels" }, some.map((name) => plot(histories, name, prefix, time, log)));
    const here = drawn < OPEN;
    drawn += some.length;
    if (here) return el("div", { class: "curves" }, prefix && el("h3", {}, prefix), panels);
    return el("details", { class: "curves" }, el("summary", {}, `${prefix || "Others"}: ${some.length} curves`), panels);
  });
}

function plot(histories, name, prefix, time, log) {
  const series = histories.map((one) => {
    const told = one.series[name];
    return { name: one.name, x: told ? (time ? told.seconds : told.steps) : [], y: told ? told.values : [] };
  });
  const title = prefix ? name.slice(prefix.length + 1) : name;
  return lineChart(series, { title, label: name, height: 160, legend: false, yLog: log, xLabel: time ? "seconds" : "step", xFormat: time ? duration : undefined });
}
