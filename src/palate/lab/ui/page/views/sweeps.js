// Every sweep of the home: what was searched, how far it came, whether its best is proposed.

import { absent, badge, duration, el, getJson, many, masthead, number, section, table, when } from "../dom.js";

const AGAIN_MS = 5000; // while one is at work

export async function show(main) {
  const list = el("div");
  main.append(masthead("Sweeps", el("p", { class: "about" },
    "Many trainings with other settings, judged on the past. The best has to win on later weeks before it is proposed.")), list);
  let timer = 0;
  async function draw() {
    const { sweeps } = await getJson("/api/sweeps");
    list.replaceChildren(sweeps.length ? section("All sweeps", rows(sweeps)) : absent("No sweeps yet; begin one with ",
      el("code", {}, "palate lab sweep embeddings.users --budget 20m"), "."));
    if (sweeps.some((one) => one.at_work)) timer = setTimeout(() => draw().catch(() => {}), AGAIN_MS);
  }
  await draw();
  return () => clearTimeout(timer);
}

function rows(sweeps) {
  return table(["sweep", "searches", { label: "state" }, "trials", { label: "best", number: true }, { label: "worked for", number: true }, { label: "begun" }, "outcome"],
    sweeps.map((one) => [
      el("a", { href: `#/sweep/${encodeURIComponent(one.name)}` }, one.name), one.target, state(one),
      `${number(one.finished)}${one.pruned ? `, ${number(one.pruned)} pruned` : ""}`, el("span", { title: one.metric }, number(one.best)),
      duration(one.seconds), when(one.created), one.verdict || "not judged yet",
    ]), { label: "All sweeps", caption: `${many(sweeps.length, "sweep")}; more is better in each.` });
}

/** What a sweep is doing, as a badge; a simulated home says so beside it. */
export function state(one) {
  const word = one.at_work ? badge("running", "at work") : one.proposed ? badge("good", "proposed") : one.verdict ? badge("finished", "ended") : badge("interrupted", "stopped");
  return el("span", {}, word, one.simulated && [" ", badge("simulated")]);
}
