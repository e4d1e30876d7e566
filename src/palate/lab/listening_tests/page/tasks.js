// The three kinds of tasks. Each gives {body, dock, refresh(), keys, close()} and calls done(value, sure) when answered.

import { Player } from "./player.js";

/** An element; text enters as text. */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

const key = (word) => el("kbd", { "aria-hidden": "true" }, word);

const songs = (items) =>
  el("ol", { class: "songs" }, items.map(([title, artists]) => el("li", {}, el("b", {}, title), artists && el("span", {}, artists))));

/** What the listener of a slate played lately. */
export const context = (task) =>
  task.context.length > 0 &&
  el("details", { class: "context", open: true }, el("summary", {}, "This listener played lately"), songs(task.context));

function playButton(player, place, label, hint) {
  const button = el("button", { class: "play", type: "button", onclick: () => player.toggle(place) },
    el("span", { class: "sign", "aria-hidden": "true" }), el("span", { class: "letter" }, label), el("span", { class: "state" }), hint && key(hint));
  return {
    button,
    refresh() {
      const heard = player.enough(place);
      const state = player.failed(place) ? "cannot be played" : player.playing(place) ? "playing" : heard ? "heard" : "play";
      button.dataset.state = player.playing(place) ? "playing" : heard ? "heard" : "new";
      button.style.setProperty("--at", player.position(place));
      button.setAttribute("aria-label", `${label}: ${state}`);
      button.querySelector(".state").textContent = state;
    },
  };
}

/** Buttons of which one is chosen; choices: [value, label, key]. */
function choices(list, legend, chosen, pick) {
  const buttons = list.map(([value, label, hint]) =>
    el("button", { type: "button", "aria-pressed": String(value === chosen), onclick: () => choose(value) }, el("span", {}, label), hint && key(hint)));
  let value = chosen;
  function choose(next) {
    if (buttons[0].disabled) return;
    value = next;
    buttons.forEach((button, place) => button.setAttribute("aria-pressed", String(list[place][0] === next)));
    pick(next);
  }
  return {
    node: el("div", { class: "choices", role: "group", "aria-label": legend }, buttons),
    choose,
    enable: (on) => buttons.forEach((button) => (button.disabled = !on)),
    get value() { return value; },
  };
}

const soundsOf = (task, together, changed) =>
  task.stimuli[0].sound ? new Player([...task.stimuli, ...(task.reference ? [task.reference] : [])].map((one) => one.sound), together, changed) : null;

function compare(session, task, before, done) {
  const refresh = () => shown.refresh();
  const player = soundsOf(task, false, refresh);
  const plays = player ? ["A", "B"].map((label, place) => playButton(player, place, label, label.toLowerCase())) : [];
  const hint = el("p", { class: "hint" });
  const better = choices([["left", "A is better", "1"], ["same", "No difference", "0"], ["right", "B is better", "2"]],
    session.questions[0], before?.value[0] ?? null, refresh);
  const sure = choices([[1, "A guess", "g"], [2, "Fairly sure", "f"], [3, "Certain", "c"]], "How sure are you?", before?.sure ?? null,
    (value) => done([better.value], value));
  const shown = {
    player,
    body: player
      ? el("div", { class: "plays" }, plays.map((one) => one.button))
      : el("div", { class: "lists" }, task.stimuli.map((one, place) => el("section", { "aria-label": `List ${"AB"[place]}` }, el("h2", {}, "AB"[place]), songs(one.items)))),
    dock: [player && hint, better.node, sure.node],
    refresh() {
      plays.forEach((one) => one.refresh());
      const ready = Boolean(before) || !player || player.allHeard;
      better.enable(ready);
      sure.enable(ready && better.value !== null);
      hint.textContent = !ready ? "Play both, then choose." : better.value === null ? "Which one?" : "How sure are you?";
    },
    keys: {
      1: () => better.choose("left"), 2: () => better.choose("right"), 0: () => better.choose("same"),
      g: () => sure.choose(1), f: () => sure.choose(2), c: () => sure.choose(3), Enter: () => better.value && sure.choose(2),
      a: () => player?.toggle(0), b: () => player?.toggle(1),
    },
  };
  return shown;
}

const SCALE = ["Bad", "Poor", "Fair", "Good", "Excellent"];

function rate(session, task, before, done) {
  const refresh = () => shown.refresh();
  const player = soundsOf(task, true, refresh);
  const n = task.stimuli.length;
  const touched = task.stimuli.map(() => Boolean(before));
  const reference = player && task.reference ? playButton(player, n, "Reference", "r") : null;
  const rows = task.stimuli.map((one, place) => {
    const play = player ? playButton(player, place, String(place + 1), String(place + 1)) : null;
    const number = el("output", {}, before ? String(before.value[place]) : "–");
    const slider = el("input", { type: "range", min: 0, max: 100, step: 1, value: before?.value[place] ?? 50, "aria-label": `Rating of ${place + 1}` });
    slider.addEventListener("input", () => { touched[place] = true; number.textContent = slider.value; refresh(); });
    const list = one.items && el("section", {}, el("h2", {}, String(place + 1)), songs(one.items));
    return { play, slider, number, node: el("div", { class: "rated" }, play?.button ?? list, el("div", { class: "scale" }, slider, number)) };
  });
  const next = el("button", { class: "next", type: "button", onclick: () => done(rows.map((row) => Number(row.slider.value)), 0) }, "Next", key("Enter"));
  const hint = el("p", { class: "hint" });
  const shown = {
    player,
    body: el("div", { class: "ratings" }, reference?.button, el("div", { class: "words", "aria-hidden": "true" }, SCALE.map((word) => el("span", {}, word))), rows.map((row) => row.node)),
    dock: [hint, next],
    refresh() {
      for (const play of [reference, ...rows.map((row) => row.play)]) play?.refresh();
      rows.forEach((row, place) => row.slider.classList.toggle("untouched", !touched[place]));
      const heard = Boolean(before) || !player || player.allHeard;
      const left = touched.filter((one) => !one).length;
      next.disabled = !heard || left > 0;
      hint.textContent = !heard ? "Play every one, then rate." : left ? `Move ${left === n ? "each slider" : `${left} more`}.` : "Done? Then go on.";
    },
    keys: {
      Enter: () => next.click(), r: () => reference && player.toggle(n),
      ...Object.fromEntries(task.stimuli.map((_, place) => [String(place + 1), () => player?.toggle(place)])),
    },
  };
  return shown;
}

function ask(session, task, before, done) {
  const refresh = () => shown.refresh();
  const player = soundsOf(task, false, refresh);
  const play = player && playButton(player, 0, "Listen", null);
  const groups = session.questions.map((question, place) =>
    choices([["yes", "Yes", place ? "" : "1"], ["unsure", "Cannot tell", place ? "" : "2"], ["no", "No", place ? "" : "0"]], question, before?.value[place] ?? null, () => refresh()));
  const next = el("button", { class: "next", type: "button", onclick: () => done(groups.map((one) => one.value), 0) }, "Next", key("Enter"));
  const hint = el("p", { class: "hint" });
  const open = () => groups.find((one) => one.value === null) ?? groups[0];
  const shown = {
    player,
    body: el("div", { class: "asked" }, play?.button ?? el("div", { class: "lists one" }, songs(task.stimuli[0].items)),
      groups.map((group, place) => el("div", { class: "question" }, el("p", {}, session.questions[place]), group.node))),
    dock: [hint, next],
    refresh() {
      play?.refresh();
      const heard = Boolean(before) || !player || player.allHeard;
      groups.forEach((one) => one.enable(heard));
      const left = groups.filter((one) => one.value === null).length;
      next.disabled = !heard || left > 0;
      hint.textContent = !heard ? "Play it first." : left ? `${left} to answer` : "";
    },
    keys: {
      1: () => open().choose("yes"), 2: () => open().choose("unsure"), 0: () => open().choose("no"), Enter: () => next.click(),
    },
  };
  return shown;
}

/** The task as elements. before: the answer that was given earlier, or null. */
export function showTask(session, task, before, done) {
  const kind = { ab: compare, rating: rate, questions: ask }[session.kind];
  const shown = kind(session, task, before, done);
  shown.keys[" "] = () => {
    const playing = shown.player?.sounds.findIndex((_, place) => shown.player.playing(place)) ?? -1;
    shown.player?.toggle(playing >= 0 ? playing : shown.player.next);
  };
  shown.close = () => shown.player?.close();
  shown.refresh();
  return shown;
}
