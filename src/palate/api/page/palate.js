// The page: choose a listener, see what they heard and what they are offered, play or skip, and see it change.
// Everything that comes from the server is put in as text, never as markup.

const POLL_MS = 50;
const GIVE_UP_MS = 10_000;
const SHOWN = 20;
const SHOWN_IN_PARTS = 60;
const IN_PARTS = ["home", "daily_mix"]; // enough for a screen of shelves
const NEED_MORE = ["similar", "search", "autoplay", "blend", "enhance", "genre_mix"]; // a seed, words, others: not asked for here

const at = (id) => document.getElementById(id);
const state = { user: null, surface: "home", context: {}, asked: 0 };

async function ask(path, options) {
  const response = await fetch(path, options);
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.detail);
  return answer;
}

const userPath = (user, rest) => `/v1/users/${encodeURIComponent(user)}/${rest}`;

function node(tag, text, attributes = {}) {
  const made = document.createElement(tag);
  made.textContent = text ?? "";
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function ago(seconds) {
  for (const [unit, size] of [["day", 86_400], ["hour", 3_600], ["minute", 60], ["second", 1]]) {
    const count = Math.floor(seconds / size);
    if (count >= 1) return `${count.toLocaleString("en")} ${unit}${count === 1 ? "" : "s"} ago`;
  }
  return "just now";
}

const times = (count, word) => (count ? `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}` : "");

function say(text, failed = false) {
  at("status").textContent = text;
  at("status").classList.toggle("failed", failed);
}

// Runs what a click asked for; a failure is a sentence on the page.
async function trying(work) {
  try {
    await work();
  } catch (error) {
    say(error.message, true);
  }
}

function itemNode(item, about) {
  const name = item.title ?? item.item_id;
  const row = node("li");
  const title = node("button", name, { type: "button", class: "title", "aria-label": `Similar to ${name}` });
  title.addEventListener("click", () => trying(() => showSimilar(item.item_id, name)));
  row.append(title);
  if (item.artists?.length) row.append(node("p", item.artists.join(", ")));
  for (const [text, style] of about) if (text) row.append(node(style === "source" ? "span" : "p", text, { class: style }));
  const actions = node("div", "", { class: "actions" });
  for (const [event, word] of [["play", "Play"], ["skip", "Skip"]]) {
    const button = node("button", word, { type: "button", "aria-label": `${word} ${name}` });
    button.addEventListener("click", () => trying(() => record(event, item.item_id, name)));
    actions.append(button);
  }
  row.append(actions);
  return row;
}

function fill(id, rows, empty) {
  at(id).replaceChildren(...(rows.length ? rows : [node("li", empty, { class: "quiet" })]));
}

// A shelf: its title, the reason for it, and its items side by side.
function shelfNodes(shelf) {
  const list = node("ol", "", { class: "shelf", "aria-label": shelf.title });
  const card = (item) => itemNode(item, [[item.kind === "track" ? "" : item.kind, "source"], [item.reason, "quiet"]]);
  list.append(...shelf.items.map(card));
  return [node("h3", shelf.title), node("p", shelf.reason, { class: "quiet" }), list];
}

const slateRow = (item) => itemNode(item, [[item.source, "source"], [item.reason, "quiet"]]);

function heardRow(item) {
  const counts = [times(item.plays, "play"), times(item.skips, "skip")].filter(Boolean).join(", ");
  return itemNode(item, [[`${counts}; ${ago(item.days_ago * 86_400)}`, "quiet"]]);
}

async function refresh() {
  const { user, surface } = state;
  const asked = ++state.asked;
  const n = IN_PARTS.includes(surface) ? SHOWN_IN_PARTS : SHOWN;
  const [slate, heard] = await Promise.all([
    ask(userPath(user, `surfaces/${encodeURIComponent(surface)}?n=${n}`)),
    ask(userPath(user, `listens?n=${SHOWN}`)),
  ]);
  if (asked !== state.asked) return; // a later click has asked again
  state.context = { surface: slate.surface, context_id: slate.slate_id };
  const parts = slate.shelves.length > 0;
  at("answer").classList.toggle("parts", parts);
  at("shelves").replaceChildren(...slate.shelves.flatMap(shelfNodes));
  at("slate").hidden = parts;
  fill("slate", parts ? [] : slate.items.map(slateRow), slate.note ?? "Nothing to offer: the catalogue has nothing that can be played.");
  at("note").hidden = !slate.note || !slate.items.length;
  at("note").textContent = slate.note ?? "";
  fill("heard", heard.listens.map(heardRow), "Nothing yet. Play something.");
  at("age").textContent = slate.stranger
    ? "A stranger: this is what others here listen to."
    : `Made from a taste whose latest listen was ${ago(slate.taste_age_seconds)}.`;
}

const titleOf = (surface) => (surface[0].toUpperCase() + surface.slice(1)).replaceAll("_", " ");

async function showListener(user) {
  state.user = user;
  at("listener").value = user;
  at("surface").value = state.surface;
  at("slate-title").textContent = `${titleOf(state.surface)} for ${user}`;
  say("");
  remember();
  await Promise.all([refresh(), showHome()]);
}

async function showSimilar(itemId, name) {
  state.similar = itemId;
  remember();
  const slate = await ask(`/v1/items/${encodeURIComponent(itemId)}/similar?n=10`);
  showPanel(`Similar to ${name}`, slate.items.map(slateRow), "Nothing is like it.");
}

async function search(words) {
  state.similar = null;
  const query = new URLSearchParams({ q: words, n: String(SHOWN), ...(state.user && { user: state.user }) });
  const found = await ask(`/v1/search?${query}`);
  const named = found.shelves.flatMap((shelf) => shelf.items.map((item) => itemNode(item, [[shelf.title, "source"], [item.reason, "quiet"]])));
  const rows = [...named, ...found.items.map((item) => itemNode(item, [[item.kind, "source"]]))];
  showPanel(`Found for “${words}”`, rows, "Nothing found.");
}

function showPanel(title, rows, empty) {
  at("panel").hidden = false;
  at("panel-title").textContent = title;
  fill("related", rows, empty);
  at("panel-title").focus();
}

// Sends one event, waits until the taste contains it, and shows what has become of the slate.
async function record(event, itemId, name) {
  if (!state.user) throw new Error("Choose a listener first.");
  const { user } = state;
  const sent = performance.now();
  say(`${event === "play" ? "Playing" : "Skipping"} ${name} …`);
  const body = { events: [{ id: eventId(), user_id: user, item_id: itemId, event, ...state.context }] };
  const { offset } = await ask("/v1/events", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  await tasteReaches(user, offset);
  const took = Math.round(performance.now() - sent);
  if (user === state.user) await refresh();
  say(`${event === "play" ? "Played" : "Skipped"} ${name}; in the taste after ${took} ms.`);
}

// randomUUID exists on https and localhost only; a page opened over the local network has getRandomValues.
function eventId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function tasteReaches(user, offset) {
  const end = performance.now() + GIVE_UP_MS;
  while ((await ask(userPath(user, "taste"))).offset < offset) {
    if (performance.now() > end) throw new Error("Saved, but the taste does not contain it yet; see /health/ready.");
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

// The address says what is shown, so that it can be kept and sent.
function remember() {
  const shown = new URLSearchParams();
  if (state.user) shown.set("user", state.user);
  shown.set("surface", state.surface);
  if (state.similar) shown.set("similar", state.similar);
  history.replaceState(null, "", `?${shown}`);
}

async function showHome() {
  const home = await ask("/v1/home");
  at("simulated").hidden = !home.simulated;
  const size = `${home.items.toLocaleString("en")} items, ${home.listeners.toLocaleString("en")} listeners`;
  at("space").textContent = `${home.space}, made ${ago(home.age_seconds)}; ${size}.`;
}

async function start() {
  const wanted = new URLSearchParams(location.search);
  const [{ users }, { surfaces }] = await Promise.all([ask("/v1/users?n=500"), ask("/v1/surfaces")]);
  const offered = surfaces.filter((one) => !NEED_MORE.includes(one.name));
  at("surface").replaceChildren(...offered.map((one) => node("option", titleOf(one.name), { value: one.name, title: one.about })));
  state.surface = wanted.get("surface") || "home";
  at("listeners").replaceChildren(...users.map((user) => node("option", "", { value: user })));
  if (!users.length && !wanted.get("user")) return showHome();
  await showListener(wanted.get("user") || users[0]);
  const similar = wanted.get("similar");
  if (similar) {
    const item = await ask(`/v1/items/${encodeURIComponent(similar)}`);
    await showSimilar(similar, item.title ?? similar);
  }
}

at("choose").addEventListener("submit", (event) => {
  event.preventDefault();
  const user = at("listener").value.trim();
  if (user) trying(() => showListener(user));
});
at("surface").addEventListener("change", () => {
  state.surface = at("surface").value;
  if (state.user) trying(() => showListener(state.user));
});
at("newcomer").addEventListener("click", () => trying(() => showListener(`new-${eventId().slice(0, 8)}`)));
at("find").addEventListener("submit", (event) => {
  event.preventDefault();
  const words = at("words").value.trim();
  if (words) trying(() => search(words));
});
at("close").addEventListener("click", () => {
  at("panel").hidden = true;
  state.similar = null;
  remember();
});
trying(start);
