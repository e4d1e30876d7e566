// Listening tests: those there are, and what the answers to one come to.
// #/listening and #/listening/NAME; ?kept=1 leaves out the raters who fail their checks.

import { absent, badge, el, facts, getJson, masthead, MISSING, moment, number, remember, section, table, when } from "../dom.js";
import { barChart } from "../plots.js";

const WHAT = { ab: "two at once, which is better", rating: "all of a case, 0 to 100", questions: "yes or no, one at a time" };

export async function show(main, rest, query) {
  if (rest) return one(main, rest, query.get("kept") === "1");
  const { tests } = await getJson("/api/listening");
  main.append(masthead("Listening tests", el("p", { class: "about" }, "People compare sounds or slates without knowing what made them.")));
  if (!tests.length) return void main.append(absent("There is none yet. Make one: ", el("code", {}, "palate lab listen new slates --conditions for_you,popular-7d"), "."));
  tests.sort((a, b) => b.created - a.created);
  main.append(table(
    ["test", "compares", "conditions", "made", figure("cases"), figure("raters"), figure("answers")],
    tests.map((test) => [
      el("span", {}, el("a", { href: `#/listening/${encodeURIComponent(test.name)}` }, test.name), test.simulated && [" ", badge("simulated", "SIMULATED")]),
      `${test.of}: ${WHAT[test.kind]}`, test.conditions.join(", "), when(test.created), test.cases, test.raters, test.answers,
    ]), { label: "Listening tests" }));
}

async function one(main, name, asked) {
  const { address, results: found } = await getJson(`/api/listening/${encodeURIComponent(name)}/results`);
  const body = el("div");
  main.append(
    el("p", { class: "crumbs" }, el("a", { href: "#/listening" }, "Listening tests")),
    masthead(name, el("p", { class: "row" }, found.simulated && badge("simulated", "SIMULATED LISTENERS"), el("span", { class: "quiet" }, `${found.of}: ${WHAT[found.kind]}`))),
    found.kept ? choice(asked, found, draw) : "", body);
  draw(asked && Boolean(found.kept));

  function draw(kept) {
    const numbers = kept ? found.kept : found.everyone;
    body.replaceChildren(...(numbers ? drawn(numbers, found) : [absent("Nobody has answered yet.")]), about(found, address));
  }
}

/** Everybody, or without those who fail their checks. */
function choice(asked, found, draw) {
  const out = found.raters.filter((rater) => rater.screened).length;
  const buttons = [["Everybody", false], [`Without ${out} who ${out === 1 ? "fails" : "fail"} the checks`, true]].map(([label, kept]) =>
    el("button", { "aria-pressed": String(kept === asked), onclick: () => {
      buttons.forEach((button, place) => button.setAttribute("aria-pressed", String(Boolean(place) === kept)));
      remember({ kept: kept ? 1 : null });
      draw(kept);
    } }, label));
  return el("p", { class: "chips" }, buttons);
}

const share = (value) => (value === null ? MISSING : `${Math.round(100 * value)}%`);
const plain = (value) => number(value, 3);
const bounded = (one, format = plain) => one.value === null ? MISSING : one.low === null ? format(one.value) : `${format(one.value)} (${format(one.low)} to ${format(one.high)})`;
const chance = (p) => (p < 0.001 ? "< .001" : p.toFixed(3).replace(/^0/, ""));
const figure = (label) => ({ label, number: true });

function drawn(numbers, found) {
  const parts = [];
  if (numbers.preference) parts.push(strengths(numbers.preference));
  if (numbers.pairs.length) parts.push(pairs(numbers));
  if (numbers.scores.length) parts.push(...scores(numbers, found));
  const { alpha, units } = numbers.agreement;
  parts.push(section("Agreement", el("p", { class: "about" }, alpha === null
    ? "Nothing yet that several raters judged differently."
    : `Krippendorff's alpha is ${plain(alpha)} over ${number(units)} judgements that raters share: 1 is perfect, 0 is what coin tosses give.`)));
  return parts;
}

function strengths(model) {
  const rows = Object.entries(model.strengths).map(([label, one]) => ({ label, ...one })).sort((a, b) => b.value - a.value);
  return section("Strengths",
    barChart(rows, { format: (value) => value.toFixed(2), label: "Strengths", note: `Log strengths in Davidson's model, with mean 0: a difference of 1 is odds of 2.7 to 1 when a difference is heard. Intervals are 95%, over raters and cases. Equals are called the same in ${share(model.tie_share)}.` }),
    table(["condition", figure("preferred to another")], rows.map((row) => [row.label, share(model.chance[row.label])])));
}

function pairs(numbers) {
  const rows = numbers.pairs.map((one) => [
    `${one.first} : ${one.second}`, `${one.wins} : ${one.losses}`, one.ties, bounded(one.share, share), bounded(one.over_raters, share), chance(one.p), chance(one.p_holm)]);
  const sides = numbers.first_place;
  return section("Pairs",
    table(["pair", figure("preferred"), figure("same"), figure("share, Wilson"), figure("share, raters and cases"), figure("sign test p"), figure("p, Holm")], rows,
      { caption: `${number(numbers.answers)} answers of ${number(numbers.raters)} raters to ${number(numbers.cases)} cases. Shares are of the answers with a preference. Wilson's interval and the sign test take every answer as independent; decide by the interval over raters and cases.` }),
    sides.value !== null && el("p", { class: "quiet" }, `What stood left was preferred in ${bounded(sides, share)}; far from half, and people did not listen.`));
}

function scores(numbers, found) {
  const rating = found.kind === "rating";
  const parts = found.questions.map((question) => {
    const rows = numbers.scores.filter((one) => one.question === question).map((one) => ({ label: one.condition, note: `${one.answers} answers`, ...one.mean }));
    return section(rating ? "Ratings" : "Answers",
      barChart(rows.filter((row) => row.value !== null), { title: question, label: question, format: rating ? (value) => number(value, 3) : share, max: rating ? 100 : 1, note: rating ? "Means, with 95% intervals over raters and cases." : "Share of yes among yes and no, with 95% intervals over raters and cases." }));
  });
  if (numbers.differences.length) {
    parts.push(section("Differences", table(["pair", figure("difference"), figure("sign test p"), figure("p, Holm")],
      numbers.differences.map((one) => [`${one.first} − ${one.second}`, bounded(one.mean), chance(one.p), chance(one.p_holm)]))));
  }
  return parts;
}

function about(found, address) {
  const raters = found.raters.map((one) => [one.nickname || one.rater, one.source, one.screened || "kept", one.answers, number(one.median_seconds, 3)]);
  return el("div", {},
    raters.length > 0 && section("Raters", table(["rater", "from", "checks", figure("answers"), figure("seconds each")], raters)),
    section("The test",
      facts([
        ["conditions", found.conditions.join(", ")], ["question", found.questions.join(" ")], ["cases", found.cases],
        ["tasks for each rater", found.checks ? `${found.per_rater}, and ${found.checks} ${found.checks === 1 ? "check" : "checks"}` : found.per_rater], ["seed", found.seed], ["made", moment(found.created)],
        ["take part here", el("a", { href: address }, "open the raters' page")], ["on a phone", el("code", {}, `palate lab listen serve ${found.name}`)],
      ]),
      found.notes.map((note) => el("p", { class: "told warn" }, note))));
}
