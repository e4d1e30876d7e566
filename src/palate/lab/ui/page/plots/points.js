// Points: one for each run, two of its values.

import { el, number, svg } from "../dom.js";
import { axes, figure, hue, legend, roomFor, scale, short, spoken } from "./frame.js";

const REACH_PIXELS = 24;

export function scatter(points, options = {}) {
  const usable = points.filter((one) => Number.isFinite(one.x) && Number.isFinite(one.y)
    && (!options.xLog || one.x > 0) && (!options.yLog || one.y > 0));
  const groups = [...new Set(usable.map((one) => one.group ?? ""))];
  const named = groups.length > 1 ? legend(groups.map((name) => name || "none")) : null;
  return figure({ height: 300, ...options, legend: named }, (width, height, say) => {
    const yFormat = options.yFormat ?? short;
    const xFormat = options.xFormat ?? short;
    const top = options.yLabel ? 24 : 8;
    const bottom = height - (options.xLabel ? 38 : 22);
    const y = scale(usable.map((one) => one.y), [bottom, top], { log: options.yLog, count: height / 50, pad: 0.06 });
    const left = roomFor(y.ticks.map(yFormat));
    const x = scale(usable.map((one) => one.x), [left, width - 12], { log: options.xLog, count: width / 90, pad: 0.04 });
    const colour = (one) => hue(groups.indexOf(one.group ?? ""));
    const places = usable.map((one) => [x.at(one.x), y.at(one.y)]);
    const order = usable.map((_, place) => place).sort((a, b) => places[a][0] - places[b][0]);
    const cursor = svg("g", { class: "cursor" });
    const frame = { left, top, right: width - 12, bottom };
    let at = -1;
    let chosen = null;

    function show(place) {
      const one = usable[place];
      const [px, py] = places[place];
      chosen = one;
      at = order.indexOf(place);
      cursor.replaceChildren(svg("circle", { cx: px, cy: py, r: 7, class: "ring" }));
      say([el("div", { class: "spoken" }, el("b", {}, one.label)), spoken(null, options.xLabel ?? "x", number(one.x, 5)),
        spoken(null, options.yLabel ?? "y", number(one.y, 5)), one.note && el("div", {}, one.note)].filter(Boolean), px, py);
    }
    const open = () => { if (chosen?.href) location.href = chosen.href; };
    const dots = places.map(([px, py], place) => svg("circle", { class: "point", cx: px.toFixed(1), cy: py.toFixed(1), r: 4, style: `fill:${colour(usable[place])}` }));
    const node = svg("g", { class: usable.some((one) => one.href) ? "opens" : null, onclick: open },
      svg("rect", { x: 0, y: 0, width, height, fill: "transparent" }),
      axes(frame, { scale: x, format: xFormat, label: options.xLabel }, { scale: y, format: yFormat, label: options.yLabel }),
      options.line && diagonal(x, y), dots, cursor,
      !usable.length && svg("text", { x: width / 2, y: height / 2, "text-anchor": "middle", class: "tick" }, "No run has both."));
    return {
      node,
      move(px, py) {
        let best = -1;
        let far = REACH_PIXELS;
        places.forEach(([cx, cy], place) => {
          const away = Math.hypot(cx - px, cy - py);
          if (away < far) [best, far] = [place, away];
        });
        if (best < 0) { chosen = null; return false; }
        show(best);
      },
      step: (direction) => order.length && show(order[Math.max(0, Math.min(order.length - 1, at + direction))]),
      enter: open,
      clear: () => cursor.replaceChildren(),
    };
  });
}

function diagonal(x, y) {
  const [low, high] = [Math.max(x.low, y.low), Math.min(x.high, y.high)];
  return low < high && svg("line", { class: "reference", x1: x.at(low), x2: x.at(high), y1: y.at(low), y2: y.at(high) });
}
