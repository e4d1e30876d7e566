// What reads what: layers from left to right, each thing right of all that it reads.

import { el, svg } from "../dom.js";

const [WIDE, HIGH, BETWEEN, ROW, EDGE] = [176, 38, 52, 48, 8];
const LETTERS = 21; // that a box has room for
const ROUNDS = 6; // of moving each thing towards the middle of its neighbours

/** entries: [{id, kind, name, health, reads: [ids], readBy: [ids]}]; those without a neighbour are left out.
 *  chosen(id) is called when one is clicked. */
export function graph(entries, chosen) {
  const all = new Map(entries.map((one) => [one.id, one]));
  const links = entries.flatMap((one) => one.reads.filter((other) => all.has(other) && other !== one.id).map((other) => [other, one.id]));
  const linked = new Set(links.flat());
  const shown = entries.filter((one) => linked.has(one.id));
  if (!shown.length) return el("p", { class: "absent" }, "None of these reads another.");
  const layers = ordered(layered(shown, links), links);
  const places = placed(layers);
  const height = Math.max(...layers.map((layer) => layer.length)) * ROW + 2 * EDGE;
  const width = layers.length * (WIDE + BETWEEN) - BETWEEN + 2 * EDGE;
  const lines = links.map(([from, to]) => [from, to, svg("path", { class: "edge", d: curve(places.get(from), places.get(to)) })]);
  const nodes = shown.map((one) => [one.id, node(one, places.get(one.id), chosen)]);
  const drawing = svg("svg", { class: "graph", viewBox: `0 0 ${width} ${height}`, width, height, role: "group", "aria-label": "What reads what; the cards below say it in words" },
    lines.map(([, , line]) => line), nodes.map(([, box]) => box));
  for (const [id, box] of nodes) {
    const light = (on) => () => highlight(on ? id : null);
    for (const [event, on] of [["pointerenter", true], ["pointerleave", false], ["focus", true], ["blur", false]]) box.addEventListener(event, light(on));
  }
  function highlight(id) {
    const near = new Set([id, ...links.filter((link) => link.includes(id)).flat()]);
    drawing.classList.toggle("lit", id !== null);
    for (const [other, box] of nodes) box.classList.toggle("near", near.has(other));
    for (const [from, to, line] of lines) line.classList.toggle("near", from === id || to === id);
  }
  return el("div", { class: "scrolls drawn", tabindex: "-1" }, drawing);
}

/** Each thing one layer right of the last that it reads; a circle is cut where it is met. */
function layered(entries, links) {
  const reads = new Map(entries.map((one) => [one.id, links.filter(([, to]) => to === one.id).map(([from]) => from)]));
  const depth = new Map();
  const under = new Set();
  function visit(id) {
    if (depth.has(id) || under.has(id)) return depth.get(id) ?? 0;
    under.add(id);
    const found = Math.max(-1, ...reads.get(id).map(visit)) + 1;
    under.delete(id);
    depth.set(id, found);
    return found;
  }
  entries.forEach((one) => visit(one.id));
  const layers = [];
  entries.forEach((one) => (layers[depth.get(one.id)] ??= []).push(one.id));
  return layers.filter(Boolean);
}

/** Things in a layer in the order of the middle of their neighbours, so that lines cross less (Sugiyama's barycentres). */
function ordered(layers, links) {
  const near = new Map();
  for (const [from, to] of links) {
    near.set(from, [...(near.get(from) ?? []), to]);
    near.set(to, [...(near.get(to) ?? []), from]);
  }
  for (let round = 0; round < ROUNDS; round++) {
    const place = new Map(layers.flatMap((layer) => layer.map((id, order) => [id, (order + 0.5) / layer.length])));
    const middle = (id) => near.get(id).reduce((sum, other) => sum + place.get(other), 0) / near.get(id).length;
    layers = layers.map((layer) => layer.map((id) => [middle(id), id]).sort(([a], [b]) => a - b).map(([, id]) => id));
  }
  return layers;
}

function placed(layers) {
  const most = Math.max(...layers.map((layer) => layer.length));
  return new Map(layers.flatMap((layer, column) => layer.map((id, row) =>
    [id, [EDGE + column * (WIDE + BETWEEN), EDGE + ROW * (row + (most - layer.length) / 2)]])));
}

function curve([fromX, fromY], [toX, toY]) {
  const [start, end] = [[fromX + WIDE, fromY + HIGH / 2], [toX, toY + HIGH / 2]];
  const bend = Math.max((end[0] - start[0]) / 2, 24);
  return `M${start}C${start[0] + bend} ${start[1]} ${end[0] - bend} ${end[1]} ${end}`;
}

function node(one, [x, y], chosen) {
  const open = () => chosen(one.id);
  return svg("g", { class: `node ${one.health}`, tabindex: "0", role: "button", "aria-label": `${one.kind} ${one.name}, ${one.health}; reads ${one.reads.length}, is read by ${one.readBy.length}`, onclick: open,
    onkeydown: (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); open(); } } },
  svg("title", {}, `${one.kind} ${one.name}: ${one.health}`), svg("rect", { x, y, width: WIDE, height: HIGH, rx: 4 }), svg("circle", { cx: x + 11, cy: y + HIGH / 2, r: 4 }),
  svg("text", { class: "kind", x: x + 21, y: y + 14 }, one.kind), svg("text", { x: x + 21, y: y + 30 }, fitting(one.name)));
}

/** A name that fits: of a path its end, which tells it from others. */
function fitting(name) {
  if (name.length <= LETTERS) return name;
  const [verb, path] = name.split(" ");
  if (!path?.startsWith("/")) return `${name.slice(0, LETTERS - 1)}…`;
  return `${verb} …${path.slice(path.length - (LETTERS - verb.length - 2))}`;
}
