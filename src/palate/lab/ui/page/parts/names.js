// Choosing among the names that runs have values under.

import { el, number } from "../dom.js";

const SHOWN = 80;
const PLACES = { summary: "What came of it", config: "Settings", about: "Made of and where", field: "Of every run" };

/** Options of a datalist. */
export const nameList = (names) => names.map((one) => el("option", { value: one.ask }));

/** Fills a <details> with a box for each name; `changed(columns)` gets the chosen ones in the order of choosing. */
export function columnPicker(details, names, columns, changed) {
  const chosen = [...columns];
  const found = el("div", { class: "picks" });
  const summary = () => el("summary", {}, `Columns (${chosen.length})`);
  const search = el("input", { type: "search", placeholder: "find a name", "aria-label": "Find a name", oninput: draw, onkeydown: (event) => event.key === "Enter" && event.preventDefault() });

  function toggle(name, on) {
    if (on) chosen.push(name);
    else chosen.splice(chosen.indexOf(name), 1);
    details.firstElementChild.replaceWith(summary());
    changed([...chosen]);
  }
  function draw() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const fitting = names.filter((one) => words.every((word) => one.ask.toLowerCase().includes(word)));
    const first = [...fitting].sort((a, b) => chosen.includes(b.ask) - chosen.includes(a.ask)).slice(0, SHOWN);
    const parts = Object.entries(PLACES).map(([place, label]) => [label, first.filter((one) => one.place === place)]).filter(([, some]) => some.length);
    found.replaceChildren(...parts.map(([label, some]) => el("fieldset", {}, el("legend", {}, label), some.map(pick))),
      fitting.length > SHOWN ? el("p", { class: "note" }, `${number(fitting.length - SHOWN)} more; find them by name.`) : "");
  }
  function pick(one) {
    const box = el("input", { type: "checkbox", onchange: (event) => toggle(one.ask, event.target.checked) });
    box.checked = chosen.includes(one.ask);
    return el("label", {}, box, el("span", {}, one.ask), el("span", { class: "note" }, number(one.count)));
  }
  draw();
  details.replaceChildren(summary(), el("div", { class: "panel" }, search, found));
}
