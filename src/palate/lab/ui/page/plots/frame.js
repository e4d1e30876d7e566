// What all plots share: scales, axes, the figure that redraws itself, the box that tells what is under the cursor.

import { el, number, svg } from "../dom.js";

export const HUES = 8;
export const hue = (place) => `var(--hue-${place % HUES})`;

/** A scale: {at(value) -> pixel, ticks: [values], log}. Values that are not finite, or not positive on a log scale, do not count. */
export function scale(values, [start, end], { log = false, zero = false, count = 5, pad = 0 } = {}) {
  const usable = values.filter((value) => Number.isFinite(value) && (!log || value > 0));
  if (log && !usable.length) log = false;
  let low = usable.length ? usable.reduce((a, b) => Math.min(a, b)) : 0;
  let high = usable.length ? usable.reduce((a, b) => Math.max(a, b)) : 1;
  if (zero && !log) [low, high] = [Math.min(low, 0), Math.max(high, 0)];
  if (low === high) [low, high] = log ? [low / 2, high * 2] : low === 0 ? [0, 1] : [low - Math.abs(low) * 0.1, high + Math.abs(high) * 0.1];
  const to = log ? Math.log10 : (value) => value;
  const margin = (to(high) - to(low)) * pad;
  const [from, until] = [to(low) - (zero && low === 0 ? 0 : margin), to(high) + margin];
  const at = (value) => start + ((to(value) - from) / (until - from)) * (end - start);
  const ticks = log ? decades(from, until, count) : steps(from, until, count);
  return { at, ticks, log, from, until, low, high };
}

function steps(low, high, count) {
  const rough = (high - low) / Math.max(count, 1);
  const size = 10 ** Math.floor(Math.log10(rough));
  const step = size * ([1, 2, 2.5, 5].find((one) => one * size >= rough) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: Math.max(last - first + 1, 0) }, (_, place) => Number(((first + place) * step).toPrecision(12)));
}

function decades(from, until, count) {
  const every = Math.max(Math.ceil((until - from) / count), 1);
  const found = [];
  for (let power = Math.ceil(from - 1e-9); power <= until + 1e-9; power += every) found.push(10 ** power);
  if (found.length >= 2) return found;
  return steps(10 ** from, 10 ** until, count).filter((value) => value > 0);
}

/** Axes with their grid: x below, y at the left; each {scale, format, label}. */
export function axes({ left, top, right, bottom }, x, y) {
  const lines = y.scale.ticks.map((value) => {
    const place = y.scale.at(value);
    return [svg("line", { class: "grid", x1: left, x2: right, y1: place, y2: place }),
      svg("text", { class: "tick", x: left - 6, y: place + 4, "text-anchor": "end" }, y.format(value))];
  });
  const below = x.scale.ticks.map((value) => {
    const place = x.scale.at(value);
    return [svg("line", { class: "grid", x1: place, x2: place, y1: top, y2: bottom }),
      svg("text", { class: "tick", x: place, y: bottom + 15, "text-anchor": place > right - 14 ? "end" : place < left + 8 ? "start" : "middle" }, x.format(value))];
  });
  return svg("g", { class: "axes" }, lines, below,
    svg("line", { class: "axis", x1: left, x2: right, y1: bottom, y2: bottom }),
    x.label && svg("text", { class: "axis-name", x: right, y: bottom + 30, "text-anchor": "end" }, x.label),
    y.label && svg("text", { class: "axis-name", x: left, y: top - 8, "text-anchor": "start" }, y.label));
}

/** Room that the labels of a y axis need, in pixels. */
export const roomFor = (texts) => Math.min(Math.max(...texts.map((text) => String(text).length), 1) * 6.6 + 12, 110);

/** Numbers short enough for an axis. */
export const short = (value) => {
  const size = Math.abs(value);
  if (size >= 1e9) return `${number(value / 1e9, 3)}G`;
  if (size >= 1e6) return `${number(value / 1e6, 3)}M`;
  if (size >= 1e4) return `${number(value / 1e3, 3)}k`;
  return number(value, 3);
};

/**
 * A figure around `draw(width, height, say)`, called anew when its place changes its width. draw returns
 * {node: <g>, move(x, y), step(direction), clear()}: move and step show what is there by say(text or elements, x, y), clear hides it.
 */
export function figure(options, draw) {
  const height = options.height ?? 200;
  const box = el("div", { class: "said", "aria-hidden": "true", hidden: true });
  const readout = el("p", { class: "unseen", "aria-live": "polite" });
  const label = options.label ?? options.title ?? "Plot";
  const drawing = svg("svg", { class: "drawing", height, tabindex: "0", role: "img", "aria-label": `${label}. Arrow keys read its values.` });
  const canvas = el("div", { class: "canvas" }, drawing, box);
  let width = 0;
  let drawn = null;
  let queued = "";

  function say(content, x, y) {
    box.replaceChildren(...[content].flat());
    box.hidden = false;
    const [start, wide] = [canvas.getBoundingClientRect().left, box.offsetWidth];
    const beside = x > width / 2 ? x - 12 - wide : x + 12;
    const last = document.documentElement.clientWidth - start - wide - 4; // never beyond the window
    box.style.left = `${Math.max(Math.min(beside, last), 4 - start)}px`;
    box.style.top = `${Math.max(Math.min(y, height - box.offsetHeight), 0)}px`;
    queued = [...box.children].map((one) => one.textContent).join("; ") || box.textContent;
  }
  function hide() {
    box.hidden = true;
    drawn?.clear?.();
  }
  function redraw() {
    const now = Math.floor(canvas.clientWidth);
    if (now === width || now < 40) return;
    width = now;
    drawing.setAttribute("viewBox", `0 0 ${width} ${height}`);
    drawing.setAttribute("width", width);
    hide();
    drawn = draw(width, height, say);
    drawing.replaceChildren(drawn.node);
  }
  drawing.addEventListener("pointermove", (event) => {
    const place = drawing.getBoundingClientRect();
    if (drawn?.move?.(event.clientX - place.left, event.clientY - place.top, event) === false) hide();
  });
  drawing.addEventListener("pointerleave", hide);
  drawing.addEventListener("blur", hide);
  drawing.addEventListener("keydown", (event) => {
    const direction = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, Home: -Infinity, End: Infinity }[event.key];
    if (event.key === "Escape") drawn?.reset?.();
    if (event.key === "Escape") return hide();
    if (event.key === "Enter") return drawn?.enter?.();
    if (direction === undefined || !drawn?.step) return;
    event.preventDefault();
    drawn.step(direction);
    readout.textContent = queued;
  });
  new ResizeObserver(redraw).observe(canvas);
  return el("figure", { class: "plot" }, options.title && el("p", { class: "plot-title" }, options.title), options.legend, canvas, readout,
    options.note && el("figcaption", {}, options.note));
}

/** One line of the box: a dot in its colour, a name, a value. */
export const spoken = (colour, name, value) =>
  el("div", { class: "spoken" }, colour && el("i", { style: `background:${colour}` }), el("span", {}, name), " ", el("b", {}, value));

/** Names beside their colours and dashes. */
export const legend = (names) =>
  el("ul", { class: "legend" }, names.map((name, place) => el("li", {}, el("i", { style: `background:${hue(place)}` }), name)));
