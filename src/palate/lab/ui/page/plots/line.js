// Curves: values over steps, one line for each series.

import { number, svg } from "../dom.js";
import { axes, figure, hue, legend, roomFor, scale, short, spoken } from "./frame.js";

const FEW = 8; // points that are shown as such
const DASHES = ["", "6 3", "2 3", "9 3 2 3", "4 4", "1 4", "12 3", "3 2"];

export function lineChart(series, options = {}) {
  const several = series.length > 1;
  const withLegend = options.legend ?? several;
  return figure({ ...options, legend: withLegend && legend(series.map((one) => one.name)) }, (width, height, say) => {
    const yFormat = options.yFormat ?? short;
    const xFormat = options.xFormat ?? short;
    const ys = series.flatMap((one) => [...one.y, ...(one.low ?? []), ...(one.high ?? [])]);
    const top = options.yLabel ? 22 : 8;
    const bottom = height - (options.xLabel ? 36 : 22);
    const y = scale(ys, [bottom, top], { log: options.yLog, zero: options.zero, count: height / 50, pad: 0.04 });
    const left = roomFor(y.ticks.map(yFormat));
    const xs = [...new Set(series.flatMap((one) => one.x))].filter(Number.isFinite).sort((a, b) => a - b);
    const x = scale(xs, [left, width - 10], { log: options.xLog, count: width / 90 });
    if (xs.every(Number.isInteger)) x.ticks = x.ticks.filter(Number.isInteger);
    const frame = { left, top, right: width - 10, bottom };
    const cursor = svg("g", { class: "cursor" });
    let at = -1;

    function show(place) {
      at = place;
      const told = [];
      cursor.replaceChildren(svg("line", { x1: x.at(xs[at]), x2: x.at(xs[at]), y1: top, y2: bottom }));
      series.forEach((one, order) => {
        const found = nearest(one, xs[at]);
        if (found < 0) return;
        cursor.append(svg("circle", { cx: x.at(one.x[found]), cy: y.at(one.y[found]), r: 3.5, style: `fill:${hue(order)}` }));
        const apart = one.x[found] === xs[at] ? "" : ` at ${xFormat(one.x[found])}`;
        told.push(spoken(several ? hue(order) : null, several ? one.name : "", number(one.y[found], 5) + apart));
      });
      say([spoken(null, options.xLabel ?? "step", xFormat === short ? number(xs[at], 6) : xFormat(xs[at])), ...told], x.at(xs[at]), top);
    }
    return {
      node: svg("g", {}, axes(frame, { scale: x, format: xFormat, label: options.xLabel }, { scale: y, format: yFormat, label: options.yLabel }),
        series.map((one, order) => drawn(one, order, x, y, options)), cursor),
      move: (px) => (xs.length ? show(closest(xs, px, x.at)) : false),
      step: (direction) => xs.length && show(Math.max(0, Math.min(xs.length - 1, at + direction))),
      clear: () => cursor.replaceChildren(),
    };
  });
}

function drawn(one, order, x, y, options) {
  const fits = (value) => Number.isFinite(value) && (!y.log || value > 0);
  const parts = [];
  let path = "";
  let previous = null;
  one.x.forEach((step, place) => {
    const value = one.y[place];
    if (!fits(value) || value === null) { previous = null; return; }
    const [px, py] = [x.at(step), y.at(value)];
    if (previous && options.steps) path += `H${px.toFixed(1)}`;
    path += `${previous ? "L" : "M"}${px.toFixed(1)} ${py.toFixed(1)}`;
    const alone = !previous && !fits(one.y[place + 1] ?? NaN);
    if (options.marks || alone || one.x.length <= FEW) parts.push(svg("circle", { cx: px, cy: py, r: alone ? 3.5 : 2.5, style: `fill:${hue(order)}` }));
    previous = [px, py];
  });
  const band = one.low && one.high && svg("path", { class: "spread", d: area(one, x, y), style: `fill:${hue(order)}` });
  return svg("g", { class: one.dim ? "dim" : null }, band,
    svg("path", { class: "line", d: path, style: `stroke:${hue(order)}`, "stroke-dasharray": DASHES[order % DASHES.length] || null }), parts);
}

function area(one, x, y) {
  const there = one.x.map((_, place) => place).filter((place) => Number.isFinite(one.low[place]) && Number.isFinite(one.high[place]));
  if (!there.length) return "";
  const up = there.map((place) => `${x.at(one.x[place])} ${y.at(one.high[place])}`);
  const down = there.reverse().map((place) => `${x.at(one.x[place])} ${y.at(one.low[place])}`);
  return `M${[...up, ...down].join("L")}Z`;
}

/** The place of the value in ascending `xs` whose pixel is closest. */
function closest(xs, pixel, at) {
  let [low, high] = [0, xs.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (at(xs[middle]) < pixel) low = middle; else high = middle;
  }
  return Math.abs(at(xs[low]) - pixel) <= Math.abs(at(xs[high]) - pixel) ? low : high;
}

/** The place of the point of one series closest to x = step; -1 when it has none. */
function nearest(one, step) {
  let best = -1;
  one.x.forEach((value, place) => {
    if (Number.isFinite(one.y[place]) && one.y[place] !== null && (best < 0 || Math.abs(value - step) < Math.abs(one.x[best] - step))) best = place;
  });
  return best;
}
