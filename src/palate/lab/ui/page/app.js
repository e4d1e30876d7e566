// The router: #/word/rest?query shows views/word.js in a fresh <main>.
// A view exports `async show(main, rest, query)`: main is its empty element, rest the decoded text after the word
// ("" if none), query a URLSearchParams. It may return a function, which is called when the reader leaves.

import { el, problem } from "./dom.js";

const PAGES = [
  ["runs", "Runs", ["run", "compare"]], ["sweeps", "Sweeps", ["sweep"]], ["importance", "Importance", []],
  ["reports", "Reports", ["report"]], ["listening", "Listening tests", []], ["catalogue", "Catalogue", []],
];
let leave = null;
let turn = 0;

export function address() {
  const [path, query = ""] = (location.hash.replace(/^#\/?/, "") || "runs").split(/\?(.*)/s);
  const [word, ...rest] = path.split("/");
  return { word, rest: rest.map(decodeURIComponent).join("/"), query: new URLSearchParams(query) };
}

function drawPages(word) {
  const links = PAGES.map(([name, label, parts]) =>
    el("a", { href: `#/${name}`, "aria-current": name === word || parts.includes(word) ? "page" : null }, label));
  document.getElementById("pages").replaceChildren(...links);
}

async function navigate() {
  const mine = ++turn;
  leave?.();
  leave = null;
  let word = "", rest, query;
  const main = el("main", { id: "main", tabindex: "-1" });
  try {
    ({ word, rest, query } = address());
    drawPages(word);
    document.title = `${PAGES.find(([name, , parts]) => name === word || parts.includes(word))?.[1] ?? word} · The lab`;
    document.getElementById("main").replaceWith(main);
    if (!/^[a-z]+$/.test(word)) throw new Error(`There is no page ${word}.`);
    const view = await import(`./views/${word}.js`).catch((error) => {
      throw new Error(`There is no page “${word}” (${error.message}).`);
    });
    const left = await view.show(main, rest, query);
    if (mine === turn) leave = left ?? null;
    else left?.();
  } catch (error) {
    console.error(error);
    main.replaceChildren(problem(error));
  }
  if (mine === turn) document.body.dataset.ready = location.hash || "#/runs";
}

document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the hash belongs to the router
  document.getElementById("main").focus();
});
addEventListener("hashchange", async () => {
  await navigate();
  document.getElementById("main").focus({ preventScroll: true });
  scrollTo(0, 0);
});
navigate();
