// The raters' page: joining, one task after the other, a pause, thanks. Who the rater is stays in this browser.

import { Outbox } from "./sending.js";
import { context, el, showTask } from "./tasks.js";

const name = location.pathname.split("/").pop();
const api = `/api/listening/${name}/raters`;
const kept = `palate-rater-${name}`;
const page = document.getElementById("page");
const SECONDS_EACH = { slates: 25, clips: 75, transitions: 40, sounds: 30 };

let session = null, outbox = null, place = 0, current = null, began = 0;

async function answered(path, options) {
  let reply;
  try {
    reply = await fetch(path, options);
  } catch {
    throw new Error("No connection to the test. Is this phone in the same network?");
  }
  const body = await reply.json().catch(() => ({}));
  if (reply.ok) return body;
  throw Object.assign(new Error(body.detail ?? `The server said ${reply.status}.`), { status: reply.status });
}

const show = (...children) => {
  page.replaceChildren(...children.flat().filter(Boolean));
  const heading = page.querySelector("h1"); // so that a screen reader begins where the new page does
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
  scrollTo(0, 0);
};

const problem = (error) => show(el("main", { class: "sheet" }, el("h1", {}, "This does not work yet"), el("p", { class: "problem", role: "alert" }, error.message)));

async function start() {
  const query = new URLSearchParams(location.search);
  const join = query.get("join");
  const rater = query.get("rater") ?? localStorage.getItem(kept);
  try {
    if (rater && (await open(rater))) return resume();
    if (!join) throw new Error("This link is not complete: it has to end in ?join= and some letters. Ask for it again.");
    welcome(join);
  } catch (error) {
    problem(error);
  }
}

/** Reads the rater's tasks; false when the server does not know them, so that they join anew. */
async function open(rater) {
  try {
    session = await answered(`${api}/${encodeURIComponent(rater)}`);
  } catch (error) {
    if (error.status !== 404) throw error;
    return false;
  }
  session.rater = rater;
  localStorage.setItem(kept, rater);
  outbox = new Outbox(name, rater, `${api}/${encodeURIComponent(rater)}`, drawSaving);
  for (const one of outbox.waiting) session.answers[one.task] = { value: one.value, sure: one.sure };
  outbox.flush();
  document.getElementById("simulated").hidden = !session.simulated;
  return true;
}

function welcome(join) {
  const nickname = el("input", { id: "nickname", maxlength: 40, autocomplete: "off", placeholder: "optional" });
  const button = el("button", { class: "next", type: "submit" }, "Begin");
  const trouble = el("p", { class: "problem", role: "alert", hidden: true });
  const form = el("form", { class: "sheet", onsubmit: async (event) => {
    event.preventDefault();
    button.disabled = true;
    try {
      const { rater } = await answered(api, {
        method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ join, nickname: nickname.value }),
      });
      await open(rater);
      resume();
    } catch (error) {
      trouble.textContent = error.message;
      trouble.hidden = false;
      button.disabled = false;
    }
  } },
    el("h1", {}, "A listening test"),
    el("p", { class: "lead" }, "You compare or rate what you hear or read. There is no right answer: go by your own ears."),
    el("ul", { class: "plain" },
      el("li", {}, "Use headphones if you have them, and set the volume once."),
      el("li", {}, "Stop whenever you like. Open this page again on this device and go on where you were."),
      el("li", {}, "Nobody learns who you are. Your browser gets a random number, and that is all that is kept with your answers.")),
    el("label", { for: "nickname" }, "Nickname"), nickname, trouble, button);
  show(el("main", {}, form));
}

function resume() {
  const unanswered = session.tasks.findIndex((task) => !session.answers[task.id]);
  if (unanswered < 0) return thanks();
  go(unanswered);
}

function go(next) {
  current?.close();
  place = next;
  const task = session.tasks[place];
  const before = session.answers[task.id] ?? null;
  const count = session.tasks.length;
  began = performance.now();
  current = showTask(session, task, before, (value, sure) => give(task, value, sure));
  show(
    el("header", { class: "top" },
      el("button", { type: "button", class: "quiet", disabled: place === 0, "aria-label": "Back to the one before", onclick: () => go(place - 1) }, "‹ Back"),
      el("span", { class: "count" }, `${place + 1} of ${count}`, el("span", { id: "saving" })),
      el("button", { type: "button", class: "quiet", onclick: pause }, "Pause"),
      el("progress", { max: count, value: Object.keys(session.answers).length, "aria-label": "Answered" })),
    el("main", { class: session.kind }, el("h1", {}, session.kind === "questions" ? "Listen, then answer" : session.questions[0]), context(task), current.body),
    el("footer", { class: "dock" }, current.dock.filter(Boolean)));
  if (session.of === "slates" && session.kind === "questions") document.querySelector("h1").textContent = "Read, then answer";
  drawSaving();
}

function give(task, value, sure) {
  const heard = current.player?.heardSeconds ?? [];
  session.answers[task.id] = { value, sure };
  outbox.add({ task: task.id, value, sure, seconds: Math.round((performance.now() - began) / 100) / 10, heard_seconds: heard });
  const next = session.tasks.findIndex((one, at) => at > place && !session.answers[one.id]);
  if (next >= 0) return go(next);
  resume();
}

function pause() {
  current?.close();
  const done = Object.keys(session.answers).length;
  const link = `${location.origin}${location.pathname}?rater=${encodeURIComponent(session.rater)}`;
  const minutes = Math.max(Math.round(((session.tasks.length - done) * SECONDS_EACH[session.of]) / 60), 1);
  show(el("main", {}, el("div", { class: "sheet" },
    el("h1", {}, "A pause"),
    el("p", { class: "lead" }, `${done} of ${session.tasks.length} answered; about ${minutes} ${minutes === 1 ? "minute" : "minutes"} left.`),
    el("p", {}, "Close this page if you like, and open it again later on this device. To go on with another device, open this link there; it is yours alone:"),
    el("p", { class: "link" }, link),
    el("p", { id: "saving" }),
    el("button", { class: "next", type: "button", onclick: resume }, "Go on"))));
  current = null;
  drawSaving();
}

function thanks() {
  current?.close();
  current = null;
  show(el("main", {}, el("div", { class: "sheet" },
    el("h1", {}, "Thank you"),
    el("p", { class: "lead", id: "thanks" }, `All ${session.tasks.length} answered.`),
    el("p", { id: "saving" }),
    el("button", { class: "quiet", type: "button", onclick: () => go(session.tasks.length - 1) }, "‹ Look at my answers again"))));
  drawSaving();
}

/** Says what is not on the server's disk yet; on the last page also that all is. */
function drawSaving() {
  const line = document.getElementById("saving");
  if (!line) return;
  const waiting = outbox.waiting.length;
  line.className = outbox.trouble ? "problem" : "quiet";
  if (waiting && outbox.trouble) line.textContent = ` ${waiting} not saved yet. ${outbox.trouble}`;
  else if (waiting) line.textContent = line.tagName === "P" ? "Saving…" : "";
  else line.textContent = line.tagName === "P" ? "All your answers are saved. You may close this page." : "";
}

addEventListener("keydown", (event) => {
  if (!current || event.ctrlKey || event.metaKey || event.altKey) return;
  const action = current.keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  const onButton = event.target.closest?.("button, input, summary, a");
  if (!action || (onButton && (event.key === "Enter" || event.key === " "))) return;
  event.preventDefault();
  if (!event.repeat) action();
});
addEventListener("beforeunload", (event) => outbox?.waiting.length && event.preventDefault());
start();
