// The catalogue: what exists, whose it is, how fresh and well it is, and what reads what.

import { absent, badge, el, getJson, many, masthead, number, remember, section, when } from "../dom.js";
import { graph } from "../parts/graph.js";

const PLURAL = { data: "Data", job: "Jobs", model: "Models", space: "Spaces", surface: "Surfaces", endpoint: "Endpoints", experiment: "A/B tests", sweep: "Sweeps", report: "Reports", "listening test": "Listening tests" };
const HEALTH = ["good", "stale", "bad", "unknown"];
const NOBODY = "nobody";

export async function show(main, rest, query) {
  const { entries } = await getJson("/api/catalogue");
  const shelf = new Map(entries.map((one) => [`${one.kind}:${one.name}`, { ...one, id: `${one.kind}:${one.name}`, readBy: [] }]));
  for (const one of shelf.values()) for (const other of one.reads) shelf.get(other)?.readBy.push(one.id);
  const choice = { kind: query.get("kind") ?? "", owner: query.get("owner") ?? "", health: query.get("health") ?? "" };
  const drawing = el("div");
  const list = el("div");
  main.append(masthead("Catalogue", el("p", { class: "about" }, summary([...shelf.values()]))));
  if (!shelf.size) return void main.append(absent("Nothing is here yet; ", el("code", {}, "palate demo"), " or ", el("code", {}, "palate import"), " begins it."));
  main.append(needsALook([...shelf.values()]), filters([...shelf.values()], choice, draw), Object.assign(section("What reads what", drawing), { className: "whole" }), list);

  function draw() {
    remember(choice);
    const kept = [...shelf.values()].filter((one) => (!choice.kind || one.kind === choice.kind) && (!choice.health || one.health === choice.health)
      && (!choice.owner || (one.owner || NOBODY) === choice.owner));
    const around = new Set(kept.flatMap((one) => [one.id, ...one.reads, ...one.readBy]));
    drawing.replaceChildren(graph([...shelf.values()].filter((one) => around.has(one.id)), jump));
    const kinds = Object.keys(PLURAL).map((kind) => [kind, kept.filter((one) => one.kind === kind)]).filter(([, some]) => some.length);
    list.replaceChildren(...kinds.map(([kind, some]) => section(PLURAL[kind], el("div", { class: "cards" }, some.map((one) => card(one, shelf, jump))))), kept.length ? "" : absent("Nothing is of this kind, owner and health."));
  }
  function jump(id) {
    if (!document.getElementById(id)) {
      Object.assign(choice, { kind: "", owner: "", health: "" });
      main.querySelectorAll(".tools select").forEach((one) => { one.value = ""; });
      draw();
    }
    const card = document.getElementById(id);
    card?.scrollIntoView({ block: "center" });
    card?.focus();
  }
  draw();
  if (query.has("entry")) jump(query.get("entry"));
}

function summary(entries) {
  const count = (health) => entries.filter((one) => one.health === health).length;
  const parts = [[count("good"), "well"], [count("stale"), "stale"], [count("bad"), "not well"], [count("unknown"), "not watched"]].filter(([some]) => some);
  return `${many(entries.length, "thing")} that somebody relies on: ${parts.map(([some, word]) => `${number(some)} ${word}`).join(", ")}.`;
}

function needsALook(entries) {
  const some = entries.filter((one) => one.health === "bad" || one.health === "stale").sort((a, b) => a.health.localeCompare(b.health));
  return some.length ? el("ul", { class: "told warn" }, some.map((one) => el("li", {}, badge(one.health), ` ${one.kind} `, el("b", {}, one.name), one.why && `: ${one.why}`))) : "";
}

function filters(entries, choice, changed) {
  const pick = (name, label, values) => {
    const select = el("select", { onchange: () => { choice[name] = select.value; changed(); } }, el("option", { value: "" }, "all"), values.map((one) => el("option", { value: one }, name === "kind" ? PLURAL[one] : one)));
    select.value = choice[name];
    return el("label", { class: "field" }, label, select);
  };
  const some = (of, order) => order.filter((one) => entries.some((entry) => of(entry) === one));
  const owners = [...new Set(entries.map((one) => one.owner || NOBODY))].sort();
  return el("div", { class: "tools" }, pick("kind", "Kind", some((one) => one.kind, Object.keys(PLURAL))), pick("owner", "Owner", owners), pick("health", "Health", some((one) => one.health, HEALTH)));
}

/** One thing in three lines: how it is, whose it is, what it reads and what reads it. */
function card(one, shelf, jump) {
  const link = (id) => shelf.has(id) ? el("button", { type: "button", class: "plain", onclick: () => jump(id) }, id.split(":").slice(1).join(":")) : el("span", { title: "not in this home" }, `${id} (not here)`);
  const links = (ids) => ids.map((id, place) => [el("span", { class: "joined" }, link(id), place < ids.length - 1 && ","), " "]);
  const whose = [one.owner ? `owner ${one.owner}` : "nobody's", one.version, one.updated === null ? null : ["changed ", when(one.updated)]].filter(Boolean);
  return el("article", { class: "card", id: one.id, tabindex: "-1", "aria-label": `${one.kind} ${one.name}` },
    el("header", {}, el("h3", {}, one.name), badge(one.health), el("span", { class: "note" }, [one.note, one.why].filter(Boolean).join("; "))),
    el("p", { class: "quiet" }, whose.map((part, place) => [place > 0 && " · ", part])),
    one.reads.length > 0 && el("p", {}, "reads ", links(one.reads)), one.readBy.length > 0 && el("p", {}, "is read by ", links(one.readBy)));
}
