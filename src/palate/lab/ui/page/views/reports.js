// Reports: those there are, a new one over chosen runs, and one shown as its readers will see it.
// #/reports, #/reports/NAME, #/reports?where=CONDITION and #/reports?runs=ID,ID (begin one over these).

import { absent, badge, el, getJson, masthead, postJson, problem, section, when } from "../dom.js";

export async function show(main, rest, query) {
  const { reports } = await getJson("/api/reports");
  if (rest) return one(main, rest, reports.find((report) => report.name === rest));
  main.append(masthead("Reports", el("p", { class: "about" },
    "A report is a text file that people edit, filled from runs: one page with text, tables, plots and sounds that opens anywhere.")));
  main.append(reports.length ? el("div", { class: "cards" }, reports.map(card)) : absent("There is none yet; begin one below."));
  main.append(section("A new report", form(query.get("runs") ?? "", query.get("where") ?? "")));
}

function card(report) {
  return el("article", { class: "card" },
    el("header", {}, el("h3", {}, el("a", { href: address(report.name) }, report.title)), state(report)),
    el("p", { class: "quiet" }, report.name, report.made === null ? "" : [", made ", when(report.made)]),
    report.error && problem(new Error(report.error)));
}

function state(report) {
  if (report.error) return badge("bad", "cannot be read");
  if (report.made === null) return badge("unknown", "no page yet");
  return report.is_stale ? badge("stale", "recipe changed") : null;
}

const address = (name) => `#/reports/${encodeURIComponent(name)}`;

function one(main, name, report) {
  if (!report) return void main.append(masthead(name), absent("There is no such report; ", el("a", { href: "#/reports" }, "these are there"), "."));
  const told = el("div", { "aria-live": "polite" });
  const place = el("div");
  const again = el("button", { class: "first", onclick: () => make() }, "Make it again");
  const links = el("p", { class: "row" });
  main.append(masthead(report.title, el("p", { class: "crumbs" }, el("a", { href: "#/reports" }, "all reports")),
    el("p", { class: "quiet" }, "Edit ", el("code", {}, report.recipe), " and make it again.")),
    el("div", { class: "tools" }, again), told, links, place);
  draw();

  function draw() {
    told.replaceChildren(report.error ? problem(new Error(report.error)) : "");
    links.replaceChildren(...[
      report.page && el("a", { href: report.page, target: "_blank", rel: "noopener" }, "Open"),
      report.page && el("a", { href: report.page, download: `${name}.html` }, "Save"),
      report.pdf && el("a", { href: report.pdf, download: `${name}.pdf` }, "PDF"),
      report.is_stale && badge("stale", "recipe changed since"),
      report.made !== null && el("span", { class: "quiet" }, "made ", when(report.made)),
    ].filter(Boolean));
    // The moment in the address, since a frame with the same address would keep the old page.
    place.replaceChildren(report.page
      ? el("iframe", { src: `${report.page}?${report.made}`, title: report.title, style: "width: 100%; height: 80vh; border: 1px solid var(--line)" })
      : absent("It has no page yet."));
  }
  async function make() {
    again.disabled = true;
    try {
      await postJson(`/api/reports/${encodeURIComponent(name)}`, {});
      const { reports } = await getJson("/api/reports");
      report = reports.find((other) => other.name === name) ?? report;
      draw();
    } catch (error) {
      told.replaceChildren(problem(error));
    } finally {
      again.disabled = false;
    }
  }
}

function form(runs, where) {
  const told = el("div", { "aria-live": "polite" });
  const name = el("input", { type: "text", required: true, pattern: "[A-Za-z0-9][A-Za-z0-9_.\\-]*", maxlength: "80", placeholder: "taste-size", title: "letters, digits, _ - and ." });
  const chosen = el("input", { type: "text", value: runs, placeholder: "ids, with commas between them", spellcheck: "false" });
  const condition = el("input", { type: "text", value: where, placeholder: "job == 'train'", spellcheck: "false" });
  const go = el("button", { class: "first" }, "Begin");
  async function begin(event) {
    event.preventDefault();
    go.disabled = true;
    try {
      const ids = chosen.value.split(",").map((id) => id.trim()).filter(Boolean);
      const made = await postJson("/api/reports", { name: name.value, runs: ids, where: condition.value.trim() });
      location.hash = address(made.name);
    } catch (error) {
      told.replaceChildren(problem(error));
      go.disabled = false;
    }
  }
  return el("form", { onsubmit: begin },
    el("div", { class: "tools" },
      el("label", { class: "field" }, "Name", name),
      el("label", { class: "field grows" }, "Runs", chosen),
      el("label", { class: "field grows" }, "or the runs where", condition), go),
    told);
}
