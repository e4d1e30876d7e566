// The runs: filtered, sorted, grouped, with the columns that the reader chose. The address holds all of it.

import { MISSING, absent, badge, duration, el, getJson, many, masthead, number, problem, remember, shown, when, withQuery } from "../dom.js";
import { columnPicker, nameList } from "../parts/names.js";

const PAGE = 50;
const POLL_MS = 2000;
const MOST_COMPARED = 8;
const EXAMPLES = ["state == 'running'", "state in ('failed', 'interrupted')", "job == 'train'", "not simulated", "seconds > 60"];
const took = (seconds) => (seconds < 0.0005 ? MISSING : duration(seconds)); // written down afterwards
const FIELD_FORMATS = { created: when, ended: when, seconds: took };

export async function show(main, rest, query) {
  const view = {
    where: query.get("where") ?? "", sort: query.get("sort") ?? "", group: query.get("group") ?? "",
    columns: query.get("columns")?.split(",").filter(Boolean) ?? null, offset: Number(query.get("offset")) || 0,
  };
  const page = new Runs(main, view);
  await page.start();
  return () => page.stop();
}

class Runs {
  constructor(main, view) {
    this.view = view;
    this.columns = view.columns; // null: the server chooses
    this.chosen = new Map(); // id -> name, in the order of choosing
    this.open = new Set(); // groups whose runs are shown, as JSON
    this.sheet = el("div", { class: "runs" });
    this.told = el("p", { class: "quiet", "aria-live": "polite" });
    this.refused = el("div");
    this.bar = el("div", { class: "selected", hidden: true });
    main.append(masthead("Runs", this.told), this.tools(), this.refused, this.examples(), this.sheet, this.bar);
    this.seen = () => document.visibilityState === "visible" && this.load();
  }

  async start() {
    document.addEventListener("visibilitychange", this.seen);
    await this.load();
    getJson("/api/names").then((told) => { // rows first
      this.names = told.names;
      this.list.replaceChildren(...nameList(told.names));
      this.drawPicker();
      if (this.latest) this.draw(this.latest, this.turn);
    }).catch((error) => console.warn(error));
  }

  stop() {
    this.stopped = true;
    clearTimeout(this.timer);
    document.removeEventListener("visibilitychange", this.seen);
  }

  tools() {
    this.list = el("datalist", { id: "names" });
    this.where = el("input", { id: "where", type: "text", value: this.view.where, spellcheck: "false", autocapitalize: "off", autocomplete: "off",
      placeholder: "task == 'discover' and ndcg_at_10 > .05", "aria-describedby": "refused" });
    this.group = el("input", { list: "names", value: this.view.group, placeholder: "nothing", size: "14",
      onchange: () => this.change({ group: this.group.value.trim() }) });
    this.picker = el("details", { class: "picker" }, el("summary", {}, "Columns"));
    this.csv = el("a", { class: "button", download: "runs.csv" }, "CSV");
    this.plot = el("a", { class: "button" }, "Scatter");
    return el("form", { class: "tools", onsubmit: (event) => { event.preventDefault(); this.change({ where: this.where.value.trim() }); } },
      el("label", { class: "field grows", for: "where" }, "Where", this.where), el("button", { class: "first" }, "Filter"),
      el("label", { class: "field" }, "Group by", this.group), this.list, this.picker, this.csv, this.plot);
  }

  examples() {
    const one = (text) => el("li", {}, el("button", { type: "button", onclick: () => { this.where.value = text; this.change({ where: text }); } }, el("code", {}, text)));
    const clear = el("li", {}, el("button", { type: "button", onclick: () => { this.where.value = ""; this.change({ where: "" }); } }, "all runs"));
    return el("ul", { class: "chips", "aria-label": "Conditions to try" }, clear, EXAMPLES.map(one));
  }

  change(values) {
    if ("group" in values) this.open.clear();
    Object.assign(this.view, { offset: 0 }, values);
    this.load();
  }

  query(more = {}) {
    const { where, sort, group, offset } = this.view;
    return { where, sort, group, columns: this.columns && (this.columns.join(",") || ","), offset: offset || "", ...more };
  }

  async load() {
    clearTimeout(this.timer);
    const turn = (this.turn = (this.turn ?? 0) + 1);
    const asked = this.query();
    try {
      const told = await getJson(withQuery("/api/runs", { ...asked, limit: PAGE }));
      if (this.stopped || turn !== this.turn) return;
      this.refused.replaceChildren();
      this.columns = told.columns;
      this.latest = told;
      this.where.removeAttribute("aria-invalid");
      remember({ ...asked, columns: this.view.columns ? asked.columns : "" });
      await this.draw(told, turn);
      if (told.running) this.again();
    } catch (error) {
      if (this.stopped) return;
      this.refused.replaceChildren(Object.assign(problem(error), { id: "refused" }));
      if (error.status === 422) this.where.setAttribute("aria-invalid", "true");
    }
  }

  again() {
    this.timer = setTimeout(() => (document.hidden ? this.again() : this.load()), POLL_MS);
  }

  async draw(told, turn) {
    const some = told.matched === told.total ? many(told.total, "run") : `${number(told.matched)} of ${number(told.total)} runs`;
    const words = some + (told.running ? `, ${number(told.running)} at work; numbers follow as they come` : "");
    if (this.told.textContent !== words) this.told.textContent = words;
    this.csv.href = withQuery("/api/runs.csv", { where: this.view.where, sort: this.view.sort, columns: this.columns.join(",") });
    this.plot.href = withQuery("#/compare", { where: this.view.where });
    if (!told.of) {
      this.sheet.replaceChildren(told.total ? absent("No run meets this condition.")
        : absent("No runs yet. Training and judging make them: ", el("code", {}, "palate train"), ", ", el("code", {}, "palate eval run"), "."));
      return;
    }
    const bodies = told.groups ? await this.groupBodies(told.groups) : [el("tbody", {}, told.rows.map((row) => this.row(row)))];
    if (turn !== this.turn) return;
    const focus = document.activeElement?.dataset?.key;
    const scrolled = this.sheet.querySelector(".wide")?.scrollLeft ?? 0;
    this.sheet.replaceChildren(el("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "Runs" }, el("table", {}, this.head(), bodies)), this.pages(told));
    this.sheet.querySelector(".wide").scrollLeft = scrolled;
    if (focus) this.sheet.querySelector(`[data-key="${CSS.escape(focus)}"]`)?.focus({ preventScroll: true });
  }

  head() {
    const { sort } = this.view;
    const current = sort || "-created";
    const one = (name, label = name, number = false) => {
      const sorted = current.replace(/^-/, "") === name ? (current.startsWith("-") ? "descending" : "ascending") : null;
      const next = sorted === "descending" ? name : `-${name}`;
      const mark = sorted === "descending" ? " ↓" : sorted ? " ↑" : "";
      return el("th", { scope: "col", class: number ? "number" : null, "aria-sort": sorted },
        el("button", { type: "button", class: "sorts", dataset: { key: `sort ${name}` }, onclick: () => this.change({ sort: next }) }, label, mark));
    };
    return el("thead", {}, el("tr", {}, el("td", {}, el("span", { class: "unseen" }, "Chosen")), one("name"), one("state"), one("job"), one("created", "started"), one("seconds", "took", true),
      this.columns.map((name) => one(name, name, this.isNumber(name)))));
  }

  isNumber(name) {
    return this.names?.find((one) => one.ask === name)?.number ?? true;
  }

  row(info, below = false) {
    const tick = el("input", { type: "checkbox", "aria-label": `Choose ${info.name}`, dataset: { key: `tick ${info.id}` },
      onchange: (event) => { event.target.checked ? this.chosen.set(info.id, info.name) : this.chosen.delete(info.id); this.drawSelected(); } });
    tick.checked = this.chosen.has(info.id);
    return el("tr", { class: below ? "member" : null }, el("td", { class: "tick-cell" }, tick),
      el("th", { scope: "row" }, el("a", { href: `#/run/${encodeURIComponent(info.id)}`, dataset: { key: `run ${info.id}` } }, short(info)), info.simulated && [" ", badge("simulated", "SIMULATED")]),
      el("td", { title: info.error || null }, badge(info.state), info.resumed ? el("span", { class: "note" }, ` resumed ${info.resumed}×`) : null),
      el("td", {}, info.job), el("td", { class: "nowrap" }, when(info.created)), el("td", { class: "number" }, took(info.seconds)),
      info.values.map((value, place) => {
        const format = FIELD_FORMATS[this.columns[place]] ?? shown;
        return el("td", { class: this.isNumber(this.columns[place]) ? "number" : "text" }, format(value));
      }));
  }

  async groupBodies(groups) {
    return Promise.all(groups.map(async (group) => {
      const key = JSON.stringify(group.value);
      const opened = this.open.has(key);
      const told = opened ? await getJson(withQuery("/api/runs", this.query({ within: key, limit: 100, offset: "" }))) : null;
      return el("tbody", {}, this.groupRow(group, key, opened), told?.rows.map((row) => this.row(row, true)),
        told && told.of > told.rows.length && el("tr", {}, el("td"), el("td", { colspan: 5 + this.columns.length, class: "note" }, `The first ${told.rows.length} of ${number(told.of)}; a condition narrows it.`)));
    }));
  }

  groupRow(group, key, opened) {
    const name = group.value === null || group.value === "" ? `no ${this.view.group}` : this.view.group in FIELD_FORMATS ? FIELD_FORMATS[this.view.group](group.value) : shown(group.value);
    const toggle = el("button", { type: "button", class: "plain", "aria-expanded": String(opened), dataset: { key: `group ${key}` },
      onclick: () => { opened ? this.open.delete(key) : this.open.add(key); this.load(); } }, opened ? "▾ " : "▸ ", name);
    const states = Object.entries(group.states).map(([state, count]) => [badge(state, `${number(count)} ${state}`), " "]);
    return el("tr", { class: "group-row" }, el("td"), el("th", { scope: "row" }, toggle, group.simulated ? [" ", badge("simulated", group.simulated === group.count ? "SIMULATED" : `${number(group.simulated)} SIMULATED`)] : null),
      el("td", { colspan: 2 }, states), el("td", { class: "nowrap" }, when(group.latest)), el("td", { class: "number" }, many(group.count, "run")), group.columns.map(summed));
  }

  pages(told) {
    const { offset } = this.view;
    const last = Math.min(offset + PAGE, told.of);
    const turn = (to, words) => el("button", { type: "button", disabled: to === null, dataset: { key: words }, onclick: () => { this.view.offset = to; this.load(); } }, words);
    return el("div", { class: "pages" }, el("span", { class: "quiet" }, `${number(offset + 1)} to ${number(last)} of ${number(told.of)} ${told.groups ? "groups" : "runs"}`),
      told.of > PAGE && [turn(offset > 0 ? Math.max(offset - PAGE, 0) : null, "Earlier"), turn(last < told.of ? offset + PAGE : null, "Later")]);
  }

  drawPicker() {
    columnPicker(this.picker, this.names, this.columns ?? [], (columns) => { this.columns = columns; this.view.columns = columns; this.load(); });
  }

  drawSelected() {
    const count = this.chosen.size;
    const ids = [...this.chosen.keys()].slice(0, MOST_COMPARED).join(",");
    this.bar.hidden = count === 0;
    this.bar.replaceChildren(el("span", { "aria-live": "polite" }, `${count} chosen`),
      count > 1 && el("a", { class: "button first", href: withQuery("#/compare", { ids }) }, count > MOST_COMPARED ? `Compare the first ${MOST_COMPARED}` : "Compare"),
      el("a", { class: "button", href: withQuery("#/importance", { ids }) }, "Importance"),
      el("button", { type: "button", onclick: () => { this.chosen.clear(); this.drawSelected(); this.load(); } }, "None"));
  }
}

/** A run without a name of its own is called by its id, of which the job is told beside it. */
const short = (info) => (info.name === info.id && info.id.endsWith(`-${info.job}`) ? info.id.slice(0, -info.job.length - 1) : info.name);

function summed(told) {
  if (!told) return el("td", { class: "number" }, MISSING);
  if ("same" in told) return el("td", { class: "text" }, shown(told.same));
  if ("kinds" in told) return el("td", { class: "text quiet" }, `${number(told.kinds)} kinds`);
  if (told.low === told.high) return el("td", { class: "number" }, number(told.low));
  const first = told.best === null ? `${number(told.low, 3)} to ${number(told.high, 3)}` : el("span", { class: "best", title: `the best of ${told.count}` }, number(told.best));
  return el("td", { class: "number" }, first, el("span", { class: "note block" }, `mean ${number(told.mean)}`));
}
