// One run: what it was, how it went, what it came to, and what it left behind.

import { absent, badge, breakable, duration, el, facts, getJson, masthead, number, section, shown, table, titleOf, when, withQuery } from "../dom.js";
import { byPrefix, curves } from "../parts/curves.js";

const POLL_MS = 2000;
const MANY = 24;
const COMMANDS = { train: "palate train", judge: "palate eval run", demo: "palate demo" };

export async function show(main, rest, query) {
  const path = `/api/runs/${encodeURIComponent(rest)}`;
  const choice = { time: query.get("over") === "time", log: query.get("log") === "1" };
  let info = await getJson(path);
  let timer = null;
  let left = false;
  const head = el("div");
  const result = el("div");
  const curvesHere = el("div", {}, el("p", { class: "quiet" }, "Reading the curves."));
  const machineHere = el("div");
  const filesHere = el("div");
  const curvesPart = section("Curves", tools(choice, drawCurves), curvesHere);
  const machinePart = section("Machine", machineHere);
  main.append(head, section("What came of it", result), curvesPart, filesHere, machinePart, ...madeOf(info), ...relatives(info));

  let history = {};
  let system = {};
  async function read() {
    [history, system] = await Promise.all(["log", "system"].map((kind) => getJson(`${path}/history?kind=${kind}`).then((told) => told.series)));
  }
  function drawCurves() {
    const some = Object.values(history).some((one) => one.values.length);
    curvesPart.hidden = !some && info.state === "finished"; // one that was written down afterwards has none
    curvesHere.replaceChildren(...(some ? curves([{ name: info.name, series: history }], choice) : [absent("Nothing was logged by step.")]));
  }
  function drawMachine() {
    const readings = Math.max(0, ...Object.values(system).map((one) => one.values.length));
    machinePart.hidden = !readings;
    const last = Object.fromEntries(Object.entries(system).map(([name, one]) => [name, one.values.at(-1)]));
    machineHere.replaceChildren(...(readings > 2 ? curves([{ name: info.name, series: system }], { time: true }) : outcome(last)));
  }
  function drawHead() {
    head.replaceChildren(...top(info));
    result.replaceChildren(...outcome(info.summary));
  }
  async function look() {
    timer = null;
    const before = info;
    try {
      if (!document.hidden) {
        info = await getJson(path);
        await read();
        drawHead();
        if (!curvesHere.matches(":hover, :focus-within")) drawCurves(); // not under the reader's finger
        if (!machineHere.matches(":hover, :focus-within")) drawMachine();
        if (info.files.length !== before.files.length) filesHere.replaceChildren(...files(info, path));
      }
    } catch (error) {
      console.warn(error); // a server that is started again is found again
    }
    if (!left && info.state === "running") timer = setTimeout(look, POLL_MS);
  }
  drawHead();
  filesHere.replaceChildren(...files(info, path));
  await read();
  drawCurves();
  drawMachine();
  if (info.state === "running") timer = setTimeout(look, POLL_MS);
  return () => { left = true; clearTimeout(timer); };
}

function top(info) {
  const words = [badge(info.state), info.simulated && badge("simulated", "SIMULATED LISTENERS"), el("span", {}, info.job), el("span", {}, "started ", when(info.created)),
    el("span", {}, info.state === "running" ? "for " : "took ", duration(info.seconds)), info.steps > 0 && el("span", {}, `${number(info.steps)} steps`),
    info.resumed > 0 && el("span", {}, `resumed ${info.resumed === 1 ? "once" : `${info.resumed} times`}`)];
  return [masthead(titleOf(info), el("p", { class: "row quiet" }, words.filter(Boolean)), el("p", { class: "note" }, el("code", {}, info.id))),
    info.state === "interrupted" && interrupted(info),
    info.error && el("div", { class: "problem", role: "note" }, el("strong", {}, "It failed. "), el("pre", {}, info.error))].filter(Boolean);
}

function interrupted(info) {
  const last = info.created + info.seconds;
  return el("div", { class: "told warn" }, el("p", {}, el("strong", {}, "Interrupted. "), "Its process ended without finishing: it was killed, or the machine went off. All that it had logged is here; the last of it is of ", when(last), "."),
    el("p", {}, info.key ? ["The same work, started again with the same data and settings, goes on as this run", COMMANDS[info.job] && [": ", el("code", {}, COMMANDS[info.job])], "."]
      : "It has no key by which it could be found again, so starting it again makes a new run."));
}

function outcome(summary) {
  const names = Object.keys(summary);
  if (!names.length) return [absent("Nothing yet.")];
  const grid = (some, prefix = "") => el("dl", { class: "figures" }, some.map((name) =>
    el("div", {}, el("dt", {}, breakable(prefix ? name.slice(prefix.length + 1) : name)), el("dd", {}, shown(summary[name])))));
  if (names.length <= MANY) return [grid(names)];
  return byPrefix(names).map(([prefix, some], place) => el("details", { open: place === 0 }, el("summary", {}, `${prefix || "Overall"} (${some.length})`), grid(some, prefix)));
}

function tools(choice, changed) {
  const box = (name, label) => {
    const input = el("input", { type: "checkbox", onchange: () => { choice[name] = input.checked; changed(); } });
    input.checked = choice[name];
    return el("label", { class: "check" }, input, label);
  };
  return el("div", { class: "tools" }, box("time", "over time instead of steps"), box("log", "logarithmic"));
}

/** Tables, pictures, sounds, models: of each name the latest, older ones behind it. */
function files(info, path) {
  const media = (file) => `${path}/media/${encodeURIComponent(file.path.split("/").pop())}`;
  const latest = (type) => {
    const byName = new Map();
    for (const file of info.files.filter((one) => one.type === type)) byName.set(file.name, [file, ...(byName.get(file.name) ?? [])]);
    return [...byName.values()].map((some) => some.sort((a, b) => b.step - a.step));
  };
  const picture = (file) => el("figure", { class: "picture" }, el("a", { href: media(file) }, el("img", { src: media(file), alt: file.caption || file.name, loading: "lazy" })), el("figcaption", {}, file.caption || file.name, stepOf(file)));
  const sound = (file) => el("figure", { class: "sound" }, el("figcaption", {}, el("b", {}, file.name), file.caption && ` ${file.caption}`, stepOf(file)), el("audio", { controls: true, preload: "none", src: media(file), "aria-label": file.caption || file.name }));
  const older = (some, draw) => some.length > 1 && el("details", {}, el("summary", {}, `${some.length - 1} earlier`), some.slice(1).map(draw));
  const [tables, images, audio, models] = ["table", "image", "audio", "model"].map(latest);
  return [
    tables.length && section("Tables", tables.map((some, place) => tableOf(some[0], path, place === 0))),
    images.length && section("Pictures", el("div", { class: "pictures" }, images.map((some) => el("div", {}, picture(some[0]), older(some, picture))))),
    audio.length && section("Sounds", audio.map((some) => el("div", {}, sound(some[0]), older(some, sound)))),
    models.length && section("Models", table(["model", "name", "kept in"], models.flat().map((file) => [file.label ? el("a", { href: withQuery("#/catalogue", { entry: `space:${file.label}` }) }, file.label) : "a file", file.name, el("code", {}, file.path)]))),
  ].filter(Boolean);
}

const stepOf = (file) => (file.step ? el("span", { class: "note" }, ` step ${number(file.step)}`) : null);

function tableOf(file, path, open) {
  const here = el("div");
  async function load() {
    if (here.childElementCount) return;
    here.append(el("p", { class: "quiet" }, "Reading."));
    const told = await getJson(withQuery(`${path}/table`, { name: file.name })).catch((error) => error);
    here.replaceChildren(told instanceof Error ? absent(told.message) : table(told.columns, told.rows, { label: file.name, caption: told.of > told.rows.length ? `The first ${told.rows.length} of ${number(told.of)} rows.` : null }));
  }
  if (open) load();
  return el("details", { open, ontoggle: (event) => event.target.open && load() }, el("summary", {}, file.name), here);
}

function madeOf(info) {
  const sorted = (told) => Object.entries(told).sort(([a], [b]) => a.localeCompare(b));
  const about = facts([...sorted(info.about), ["key", info.key], ["folder", el("code", {}, info.folder)]].filter(([, value]) => value !== null && value !== ""));
  return [section("Settings", Object.keys(info.config).length ? facts(sorted(info.config)) : absent("It has no settings.")), section("Made of and where", about)];
}

function relatives(info) {
  const rows = (some) => some.rows.map((one) => [el("a", { href: `#/run/${encodeURIComponent(one.id)}` }, titleOf(one)), badge(one.state), one.job, when(one.created), duration(one.seconds)]);
  const list = (title, some, group) => some.count && section(title, table(["run", "state", "job", "started", "took"], rows(some), { label: title }),
    el("p", {}, el("a", { href: withQuery("#/runs", { where: `group == '${group}'` }) }, some.count > some.rows.length ? `All ${number(some.count)} among the runs` : "Among the runs")));
  return [list(`Others of ${info.group}`, info.beside, info.group), list("Runs of this one", info.below, info.id)].filter(Boolean);
}
