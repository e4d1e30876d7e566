// Elements, requests and formats that every view uses. Text enters as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "dataset") Object.assign(node.dataset, value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  append(node, children);
  return node;
}

function append(node, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : String(child));
  }
}

/** An element. attributes: `onclick: f` listens, null and false are left out, true gives the bare name.
 *  children: elements, texts, numbers, lists of them; null and false are left out. */
export function el(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
export function svg(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

async function answered(path, options) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The lab does not answer; is `palate lab ui` still running?", { cause: error });
  }
  const body = await answer.json().catch(() => ({}));
  if (answer.ok) return body;
  throw Object.assign(new Error(body.detail ?? `${path} answered ${answer.status}`), { status: answer.status });
}

/** What GET path answers; an Error with the server's sentence (and .status) when it refuses. options: fetch's. */
export const getJson = (path, options) => answered(path, options);

/** What POST path answers to `body` as JSON; errors as getJson. */
export const postJson = (path, body) =>
  answered(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

/** `path?a=1` of what is set: null, undefined and "" are left out. Works for "/api/..." and "#/...". */
export function withQuery(path, values) {
  const query = new URLSearchParams(Object.entries(values).filter(([, value]) => value !== null && value !== undefined && value !== ""));
  return query.size ? `${path}?${query}` : path;
}

/** Writes `values` into the address without navigating, so that a copied link shows the same. */
export function remember(values) {
  const path = location.hash.split("?")[0] || "#/runs";
  history.replaceState(null, "", withQuery(path, values));
}

export const MISSING = "–";

/** 0.123456 -> "0.1235"; 12345.6 -> "12,346"; null -> "–". */
export function number(value, digits = 4) {
  if (value === null || value === undefined || Number.isNaN(value)) return MISSING;
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e15) return value.toLocaleString("en");
  if (size >= 1e9 || size < 1e-4) return value.toExponential(Math.max(digits - 2, 1));
  if (size >= 10 ** (digits - 1)) return Math.round(value).toLocaleString("en");
  return value.toLocaleString("en", { maximumSignificantDigits: digits });
}

/** 1, "run" -> "1 run"; 1234, "run" -> "1,234 runs". */
export const many = (count, one, several = `${one}s`) => `${number(count)} ${count === 1 ? one : several}`;

/** Whatever a cell may hold, as text. */
export function shown(value) {
  if (value === null || value === undefined || value === "") return MISSING;
  if (typeof value === "number") return number(value);
  if (typeof value === "boolean") return value ? "yes" : "no";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** 75 -> "1 min 15 s". */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return MISSING;
  if (seconds < 0.0995) return `${number(seconds * 1000, 2)} ms`;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (whole < 86400) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  return `${Math.floor(whole / 86400)} d ${Math.floor((whole % 86400) / 3600)} h`;
}

/** Unix seconds -> "3 min ago". */
export function age(unixSeconds, now = Date.now() / 1000) {
  if (unixSeconds === null || unixSeconds === undefined) return "unknown";
  const past = Math.max(now - unixSeconds, 0);
  for (const [size, one] of [[86400 * 365, "year"], [86400 * 30, "month"], [86400, "day"], [3600, "hour"], [60, "minute"]]) {
    const count = Math.floor(past / size);
    if (count >= 1) return `${count} ${one}${count === 1 ? "" : "s"} ago`;
  }
  return past < 5 ? "just now" : `${Math.floor(past)} s ago`;
}

/** Unix seconds -> "2026-03-01 14:05" of the reader's clock. */
export function moment(unixSeconds) {
  if (unixSeconds === null || unixSeconds === undefined) return MISSING;
  const local = new Date((unixSeconds - new Date(unixSeconds * 1000).getTimezoneOffset() * 60) * 1000);
  return local.toISOString().slice(0, 16).replace("T", " ");
}

/** The age of a moment, which tells itself in full when pointed at. */
export const when = (unixSeconds) =>
  unixSeconds === null || unixSeconds === undefined ? el("span", {}, "unknown")
    : el("time", { datetime: new Date(unixSeconds * 1000).toISOString(), title: moment(unixSeconds) }, age(unixSeconds));

/** A part of a page: its heading beside what it heads. */
export const section = (title, ...children) =>
  el("section", {}, el("header", {}, el("h2", {}, title)), el("div", { class: "body" }, ...children));

/** The head of a page. */
export const masthead = (title, ...children) => el("div", { class: "masthead" }, el("h1", {}, title), ...children);

/** What a run is called: its name; one without a name by its job and the time in its id. */
export const titleOf = (run) => (run.name === run.id ? `${run.job} ${run.id.slice(0, 15)}` : run.name);

/** A long name that may be broken after its dots and underscores. */
export const breakable = (name) => String(name).split(/(?<=[._/])/).flatMap((part, place) => (place ? [el("wbr"), part] : [part]));

/** An error as a paragraph that is read out. */
export const problem = (error) => el("p", { class: "problem", role: "alert" }, error.message ?? String(error));

/** What is not there yet, and how it comes to be. */
export const absent = (...children) => el("p", { class: "absent" }, ...children);

/** A word with a colour: running, finished, failed, interrupted, good, stale, bad, unknown, simulated. */
export const badge = (word, text = word) => el("span", { class: `badge ${word}` }, text);

/** Names and values, one under the other; pairs: [name, value or element]. */
export const facts = (pairs) =>
  el("dl", { class: "facts" }, pairs.map(([name, value]) => el("div", {}, el("dt", {}, breakable(name)), el("dd", {}, value instanceof Node ? value : shown(value)))));

/** A table that scrolls sideways on a phone. columns: names, or {label, number: true, title}; rows: lists of values or elements.
 *  The first cell of a row is its heading. */
export function table(columns, rows, { caption = null, label = null, bare = false } = {}) {
  const numbers = (place) => rows.some((row) => typeof row[place] === "number") && rows.every((row) => typeof row[place] === "number" || row[place] == null);
  const heads = columns.map((one, place) => (typeof one === "string" ? { label: one, number: numbers(place) } : one));
  const cell = (value, place) =>
    el(place === 0 && !bare ? "th" : "td", { scope: place === 0 && !bare ? "row" : null, class: heads[place]?.number ? "number" : null },
      value instanceof Node ? value : shown(value));
  return el("div", { class: "wide", tabindex: "0", role: "region", "aria-label": label ?? caption ?? "Table" },
    el("table", {}, caption && el("caption", {}, caption),
      el("thead", {}, el("tr", {}, heads.map((one) => el("th", { scope: "col", class: one.number ? "number" : null, title: one.title }, one.label)))),
      el("tbody", {}, rows.map((row) => el("tr", {}, row.map(cell))))));
}
