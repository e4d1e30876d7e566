// Parallel coordinates: each run a line through its settings, coloured by what came of it.

import { el, shown, svg } from "../dom.js";
import { figure, scale, short, spoken } from "./frame.js";

const REACH_PIXELS = 30;
const FEW = 6; // values of a setting that are all written at its axis
const AXIS_PIXELS = 92; // an axis needs this much room; more of them scroll sideways

export function parallelCoordinates(rows, dimensions, options = {}) {
  const colour = options.colour ?? dimensions.at(-1)?.name;
  const kept = new Map(); // dimension -> [top, bottom] in pixels
  const plot = figure({ height: 340, ...options }, (width, height, say) => {
    const [top, bottom] = [36, height - 18];
    const places = dimensions.map((_, order) => 40 + (order * (width - 80)) / Math.max(dimensions.length - 1, 1));
    const scales = dimensions.map((dimension) => axisOf(dimension, rows, [bottom, top]));
    const tint = tintOf(rows, colour, scales[dimensions.findIndex((one) => one.name === colour)], options.lower);
    const paths = rows.map((row) => svg("path", { class: "strand", d: pathOf(row, dimensions, scales, places), style: `stroke:${tint(row)}` }));
    const order = rows.map((_, place) => place).sort((a, b) => worth(rows[a], colour, options.lower) - worth(rows[b], colour, options.lower));
    const strands = svg("g", {}, order.map((place) => paths[place])); // the best are drawn last, on top
    const best = [...order].reverse();
    const front = svg("g", { class: "cursor" });
    const brushes = dimensions.map((_, place) => svg("rect", { class: "brush", x: places[place] - 9, width: 18, hidden: true }));
    let at = -1;
    let chosen = null;

    const passes = (row) => dimensions.every((dimension, place) => {
      const range = kept.get(dimension.name);
      if (!range) return true;
      const y = scales[place].at(row.values[dimension.name]);
      return Number.isFinite(y) && y >= range[0] && y <= range[1];
    });
    function filter() {
      rows.forEach((row, place) => paths[place].classList.toggle("out", !passes(row) || Boolean(row.dim)));
      dimensions.forEach((dimension, place) => {
        const range = kept.get(dimension.name);
        brushes[place].toggleAttribute("hidden", !range);
        if (range) fillBrush(brushes[place], range);
      });
    }
    function show(place, x, y) {
      chosen = rows[place];
      front.replaceChildren(svg("path", { class: "strand front", d: paths[place].getAttribute("d"), style: `stroke:${tint(chosen)}` }));
      say([el("div", { class: "spoken" }, el("b", {}, chosen.label)), ...dimensions.map((one) =>
        spoken(null, one.label ?? one.name, shown(chosen.values[one.name])))], x, y);
    }
    const seen = () => best.filter((place) => passes(rows[place]));
    const heads = dimensions.map((dimension, place) => axis(dimension, scales[place], places[place], { top, bottom, edge: place === 0 ? "start" : place === dimensions.length - 1 ? "end" : "middle", low: place % 2 && width / dimensions.length < 120 }));
    const node = svg("g", { class: rows.some((row) => row.href) ? "opens" : null }, svg("rect", { x: 0, y: 0, width, height, fill: "transparent", onclick: open }),
      strands, front, heads, brushes,
      dimensions.map((dimension, place) => handle(dimension, places[place], { top, bottom }, kept, filter)));
    filter();
    function open() { if (chosen?.href) location.href = chosen.href; }
    return {
      node,
      move(x, y, event) {
        if (event.buttons) return false;
        const found = under(x, y, rows, dimensions, scales, places, passes);
        if (found < 0) { chosen = null; return false; }
        show(found, x, y);
      },
      step(direction) {
        const there = seen();
        at = Math.max(0, Math.min(there.length - 1, at + direction));
        if (there.length) show(there[at], 60, top);
      },
      enter: open,
      reset() { kept.clear(); filter(); },
      clear: () => front.replaceChildren(),
    };
  });
  const canvas = plot.querySelector(".canvas");
  canvas.style.minWidth = `${dimensions.length * AXIS_PIXELS}px`;
  const scroller = el("div", { class: "scrolls" });
  canvas.replaceWith(scroller);
  scroller.append(canvas);
  return plot;
}

/** {at, ticks: [[value, text]]} of one dimension: numbers on a scale, anything else as places in order. */
function axisOf(dimension, rows, range) {
  const values = rows.map((row) => row.values[dimension.name]).filter((value) => value !== null && value !== undefined && value !== "");
  if (values.every((value) => typeof value === "number")) {
    const made = scale(values, range, { log: dimension.log, count: 5, pad: 0.02 });
    const format = dimension.format ?? short;
    const distinct = [...new Set(values)];
    const ticks = distinct.length <= FEW ? distinct : made.ticks;
    return { at: (value) => (typeof value === "number" ? made.at(value) : NaN), ticks: ticks.map((value) => [made.at(value), format(value)]) };
  }
  const kinds = [...new Set(values.map(shown))].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  const [start, end] = range;
  const at = (value) => {
    const place = kinds.indexOf(shown(value));
    return place < 0 ? NaN : start + ((place + 0.5) / kinds.length) * (end - start);
  };
  return { at, ticks: kinds.map((kind) => [at(kind), kind.length > 14 ? `${kind.slice(0, 13)}…` : kind]) };
}

function pathOf(row, dimensions, scales, places) {
  let path = "";
  let pen = "M";
  dimensions.forEach((dimension, place) => {
    const y = scales[place].at(row.values[dimension.name]);
    if (!Number.isFinite(y)) { pen = "M"; return; }
    path += `${pen}${places[place].toFixed(1)} ${y.toFixed(1)}`;
    pen = "L";
  });
  return path;
}

function worth(row, name, lower) {
  const value = row.values[name];
  return typeof value === "number" ? (lower ? -value : value) : -Infinity;
}

function tintOf(rows, name, made, lower) {
  const values = rows.map((row) => row.values[name]).filter(Number.isFinite);
  if (!values.length || !made) return () => "var(--hue-0)";
  const ys = values.map(made.at);
  const [low, high] = [Math.min(...ys), Math.max(...ys)];
  return (row) => {
    const y = made.at(row.values[name]);
    if (!Number.isFinite(y)) return "var(--line)";
    const part = high === low ? 1 : lower ? (y - low) / (high - low) : (high - y) / (high - low);
    return `color-mix(in oklch, var(--strong) ${Math.round(part * 100)}%, var(--weak))`;
  };
}

function axis(dimension, made, x, { top, bottom, edge, low }) {
  return svg("g", { class: "axes" }, svg("line", { class: "axis", x1: x, x2: x, y1: top, y2: bottom }),
    svg("text", { class: "axis-name", x: edge === "start" ? x - 36 : edge === "end" ? x + 36 : x, y: low ? 12 : 24, "text-anchor": edge }, dimension.label ?? dimension.name),
    made.ticks.map(([y, text]) => svg("text", { class: "tick haloed", x: edge === "end" ? x - 6 : x + 6, y: y + 4, "text-anchor": edge === "end" ? "end" : "start" }, text)));
}

/** A strip along an axis: dragging it keeps what passes there. */
function handle(dimension, x, { top, bottom }, kept, changed) {
  let start = null;
  const strip = svg("rect", { class: "strip", x: x - 12, y: top, width: 24, height: bottom - top, fill: "transparent" });
  const place = (event) => Math.max(top, Math.min(bottom, event.clientY - strip.ownerSVGElement.getBoundingClientRect().top));
  strip.addEventListener("pointerdown", (event) => { start = place(event); strip.setPointerCapture(event.pointerId); });
  strip.addEventListener("pointermove", (event) => {
    if (start === null) return;
    kept.set(dimension.name, [Math.min(start, place(event)), Math.max(start, place(event))]);
    changed();
  });
  strip.addEventListener("pointerup", (event) => {
    if (Math.abs(place(event) - start) < 4) kept.delete(dimension.name);
    start = null;
    changed();
  });
  return svg("g", {}, svg("title", {}, `Drag to keep a range of ${dimension.label ?? dimension.name}; click to show all`), strip);
}

function fillBrush(brush, [top, bottom]) {
  brush.setAttribute("y", top);
  brush.setAttribute("height", Math.max(bottom - top, 1));
}

/** The row whose line passes closest to the pointer between the two axes around it; -1 when none is near. */
function under(x, y, rows, dimensions, scales, places, passes) {
  const right = places.findIndex((place) => place >= x);
  if (right <= 0) return -1;
  const part = (x - places[right - 1]) / (places[right] - places[right - 1]);
  let [best, far] = [-1, REACH_PIXELS];
  rows.forEach((row, order) => {
    const from = scales[right - 1].at(row.values[dimensions[right - 1].name]);
    const to = scales[right].at(row.values[dimensions[right].name]);
    const away = Math.abs(from + part * (to - from) - y);
    if (away < far && passes(row)) [best, far] = [order, away];
  });
  return best;
}
