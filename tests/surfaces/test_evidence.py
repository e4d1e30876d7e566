"""Every claim of thousands of answers, counted anew from the raw listens and playlists: not one may be false.

And the counting is itself put to the test: each type of claim, falsified by one, is found.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pytest

from palate.core.candidates import Offer
from palate.core.items import Item
from palate.core.listens import Event
from palate.core.slate import Shelf, Slate, SlateItem
from palate.embeddings.statics import COUNTRY
from palate.evaluation.claims import CHECKERS, Facts, Tally, check, checks
from palate.jobs.crowding import crowds_at
from palate.retrieval.query import Query
from palate.retrieval.retrievers import RETRIEVERS
from palate.retrieval.stock import Stock
from palate.surfaces.path import Recipe, RequestPath
from palate.surfaces.screens.for_you import FOR_YOU, FOR_YOU_UNHEARD
from palate.surfaces.screens.radio import RADIO
from palate.surfaces.screens.similar import SIMILAR

from .planted import Planted, planted

N = 20


@dataclass(frozen=True, eq=False)
class Told:
    """The planted world, a path that knows crowds too, and the facts."""

    world: Planted

    @cached_property
    def path(self) -> RequestPath:
        world = self.world
        crowds = crowds_at(world.inputs, world.trained.encoder, world.stock, world.now)
        return replace(world.path, stock=replace(world.stock, crowds=crowds))

    @cached_property
    def users(self) -> list[str]:
        return self.world.inputs.history.users

    @cached_property
    def facts(self) -> Facts:
        world, crowds = self.world, self.path.stock.crowds
        assert crowds is not None
        tastes = {user: world.query(row).taste for row, user in enumerate(self.users)}
        nobody = world.stranger().taste
        items = [replace(item, attributes={"tempo_bpm": 90.0 + row, "energy": row / 800}) for row, item in self._items]
        return Facts(
            world.inputs, items, world.stock.vectors, world.now, world.now,
            lambda user: tastes.get(user or "", nobody),
            lambda user: crowds.circle(world.stock.direction_of(tastes[user])) if user in tastes else None,
            world.now,
        )  # fmt: skip

    @property
    def _items(self) -> Iterator[tuple[int, Item]]:
        return iter(enumerate(self.world.world.items))

    def query(self, user: int, seeds: tuple[int, ...] = ()) -> Query:
        country = self.world.inputs.listeners.values[COUNTRY][user]
        return replace(self.world.query(user, seeds), country=country)

    def answer(self, recipe: Recipe, user: int, seeds: tuple[int, ...] = ()) -> Slate:
        return self.path.answer(recipe, self.query(user, seeds), N, self.users[user])


@pytest.fixture(scope="module")
def told() -> Told:
    return Told(planted())


@pytest.fixture(scope="module")
def answers(told: Told) -> list[Slate]:
    """The three first surfaces for every listener and a stranger; each retriever alone for some of them."""
    out, path, world = [], told.path, told.world
    for user in world.listeners(least_events=1):
        out += [told.answer(recipe, user) for recipe in (FOR_YOU, FOR_YOU_UNHEARD)]
        out.append(told.answer(RADIO, user, (user % 800, (7 * user) % 800)))
    for recipe in (FOR_YOU, RADIO):
        out.append(path.answer(recipe, world.stranger(), N, "nobody"))
    out += [path.answer(SIMILAR, world.stranger((seed,)), N, None) for seed in range(0, 800, 3)]
    for user in world.listeners(least_events=10)[:10]:  # long enough for chance to have places
        query = replace(told.query(user), listener=told.users[user])
        out.append(path.answer(FOR_YOU, query, 100, told.users[user]))
    for name in RETRIEVERS:
        recipe = Recipe(name, {name: 30}, FOR_YOU.filters, FOR_YOU.score)
        out += [told.answer(recipe, user, (user,)) for user in world.listeners(least_events=30)[:30]]
    return out


@pytest.fixture(scope="module")
def tally(told: Told, answers: list[Slate]) -> Tally:
    found = Tally()
    for slate in answers:
        found.add(check(slate, told.facts))
    return found


def items_of(answers: list[Slate]) -> Iterator[tuple[Slate, SlateItem]]:
    return ((slate, item) for slate in answers for item in slate.items)


def examples(answers: list[Slate]) -> dict[str, list[tuple[Slate, SlateItem, dict[str, Any]]]]:
    """By type of evidence, what was said."""
    out: dict[str, list[tuple[Slate, SlateItem, dict[str, Any]]]] = defaultdict(list)
    for slate, item in items_of(answers):
        for one in item.evidence:
            out[one["type"]].append((slate, item, one))
    return out


def test_not_one_of_thousands_of_claims_is_false(tally: Tally, answers: list[Slate]) -> None:
    assert tally.false == []
    assert tally.unchecked == {}
    assert tally.clean
    assert sum(len(slate.items) for slate in answers) > 15_000
    assert tally.checked["sentence"] == sum(len(slate.items) for slate in answers)
    often = {"listen", "together", "similar", "popular", "new", "choice", "rising", "circle", "cohort", "exploration"}
    assert [kind for kind in often if tally.checked[kind] < 5] == []


def test_every_retriever_is_the_source_of_something(answers: list[Slate]) -> None:
    assert {item.source for _, item in items_of(answers)} - {"exploration"} == set(RETRIEVERS)


def test_a_sentence_is_one_and_a_source_says_it_in_its_way(answers: list[Slate]) -> None:
    said: dict[str, list[str]] = defaultdict(list)
    for slate, item in items_of(answers):
        assert re.fullmatch(r"\S.*\.", item.reason), item
        if slate.surface == item.source:
            said[item.source].append(item.reason)
    beginnings = {
        "due": "You played this", "sequence": "Together with ", "interests": "Near one of your interests: close to ",
        "circle": "Heard by ", "rising": "Played ", "country": "Played ",
    }  # fmt: skip
    for source, words in beginnings.items():
        assert sum(one.startswith(words) for one in said[source]) > 0.5 * len(said[source]) > 0, source
    assert any(", and not for " in one for one in said["due"])
    assert any(re.search(r"which you played .*(today|ago)\.", one) for one in said["sequence"])


def test_a_source_that_has_no_words_of_its_own_gets_true_ones(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    def anything(query: Query, stock: Stock, n: int) -> Offer:
        anchor = int(np.argmax(stock.trends.ever))
        company = stock.company.items[anchor][stock.company.items[anchor] >= 0]
        rows = np.unique(np.r_[company[:20], np.arange(n) * 7 % stock.n_items]).astype(np.int32)
        because = np.where(np.isin(rows, company) | (rows % 3 == 0), anchor, -1).astype(np.int32)
        return Offer(rows, rows.astype(np.float32), because)

    monkeypatch.setitem(RETRIEVERS, "somebody_elses", anything)
    recipe, found = Recipe("theirs", {"somebody_elses": 100}, FOR_YOU.filters, FOR_YOU.score), Tally()
    for user in told.world.listeners(least_events=10)[:40]:
        found.add(check(told.answer(recipe, user), told.facts))
    found.add(check(told.path.answer(recipe, told.world.stranger(), N, None), told.facts))
    assert found.false == []
    assert {"listen", "together", "similar", "artist", "popular"} <= set(found.checked)


def test_nothing_is_told_of_a_listener_to_somebody_else(answers: list[Slate]) -> None:
    for slate, item in items_of(answers):
        if slate.user_id in (None, "nobody"):
            assert all(one["type"] != "listen" for one in item.evidence)
            assert not re.search(r"\byou\b", item.reason, re.IGNORECASE), item


# The types that other surfaces make: true ones, put together by hand from the raw arrays.


def by_hand(told: Told) -> dict[str, tuple[str, str, dict[str, Any]]]:
    """type -> listener, item, a true claim."""
    world, facts = told.world, told.facts
    history, playlists = world.inputs.history, world.inputs.playlists
    heard = history.heard()
    user = int(np.argmax(np.bincount(heard.user)))
    mine = heard.item[heard.user == user]
    row = int(np.argmax(np.bincount(mine)))
    item, id_, name = facts.items[row], str(facts.items[row].item_id), told.users[user]
    artist = [facts.items[other].artists[0] == item.artists[0] for other in mine.tolist()]
    genre = [facts.items[other].genres[0] == item.genres[0] for other in mine.tolist()]
    lately = (heard.user == user) & (heard.item == row) & (heard.timestamp >= world.now - 200 * 86_400)
    saved = np.flatnonzero(history.event == Event.SAVE)[0]
    listed = str(facts.items[int(playlists.item[0])].item_id)
    number = int(playlists.playlist[0])
    both = {name: int((mine == row).sum()), told.users[0]: int(((heard.user == 0) & (heard.item == row)).sum())}
    week, month = ((heard.timestamp >= world.now - days * 86_400) for days in (7, 28))
    usual = np.bincount(heard.item[week], minlength=800) * 4 > np.bincount(heard.item[month], minlength=800)
    rising = int(np.argmax(usual))
    one, other = (str(facts.items[place].item_id) for place in (3, 9))
    return {
        "artist": (name, id_, {"artist": item.artists[0], "plays": sum(artist)}),
        "genre": (name, id_, {"genre": item.genres[0], "plays": sum(genre), "share": round(sum(genre) / len(mine), 3)}),
        "window": (name, id_, {"plays": int(lately.sum()), "days": 200}),
        "shared": (name, id_, {"item_id": id_, "plays": both}),
        "steer": (told.users[history.user[saved]], id_,
                  {"what": "save", "item_id": str(facts.items[int(history.item[saved])].item_id)}),
        "playlist": (name, listed, {"playlist_id": playlists.ids[number], "name": playlists.names[number]}),
        "kind": (name, id_, {"kind": str(item.kind), "plays": len(
            [other for other in mine.tolist() if facts.items[other].kind == item.kind])}),
        "offer": (name, id_, {"kind": "artist", "name": item.artists[0].upper(), "item_id": id_, "plays": sum(
            facts.items[other].artists[0] == item.artists[0] for other in heard.item.tolist()
            if facts.items[other].kind != "episode")}),
        "tempo": (name, one, {"item_id": other, "tempo_bpm": 93, "from_bpm": 99}),
        "energy": (name, one, {"energy": round(3 / 800, 2)}),
        "rising": (name, str(facts.items[rising].item_id), {
            "week": int((heard.item[week] == rising).sum()), "month": int((heard.item[month] == rising).sum())}),
    }  # fmt: skip


def slate_with(user: str | None, item: str, evidence: list[dict[str, Any]], reason: str = "Close to this.") -> Slate:
    return Slate("id", "some", user, "taste@1", None, False, [SlateItem(item, "track", 0.0, "some", reason, evidence)])


def wrong_kinds(slate: Slate, facts: Facts) -> set[str]:
    return {one.kind for one in check(slate, facts).false}


def falsified(one: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The same claim with one field changed: numbers by one, or by .05 where they are fractions; names to others.

    Not `days`, since one more may hold no more plays, and not the propensity of chance.
    """
    for name, value in one.items():
        if name in ("type", "propensity") or (name == "days" and isinstance(value, int)):
            continue
        if isinstance(value, dict):
            yield from ({**one, name: {**value, key: n + 1}} for key, n in value.items())
        elif isinstance(value, str):
            yield {**one, name: value + "zz"}
        elif isinstance(value, list):
            yield {**one, name: [part + "zz" for part in value]}
        elif value is None:
            yield {**one, name: 1 if name == "days" else "Another name"}
        else:
            step = 1 if isinstance(value, int) else 0.05
            yield from ({**one, name: value + step}, {**one, name: value - step})


def test_claims_put_together_by_hand_are_true_and_falsified_by_one_are_found(told: Told) -> None:
    for kind, (user, item, fields) in by_hand(told).items():
        evidence = {"type": kind, **fields}
        assert kind not in wrong_kinds(slate_with(user, item, [evidence]), told.facts), evidence
        for wrong in falsified(evidence):
            assert kind in wrong_kinds(slate_with(user, item, [wrong]), told.facts), wrong


def test_words_that_were_typed_are_looked_for_in_the_names(told: Told) -> None:
    item = next(one for one in told.facts.items if one.title and len(one.title.split()[0]) > 5)
    first = str(item.title).split()[0].lower()
    typo = first[:2] + ("x" if first[2] != "x" else "y") + first[3:]
    for words, true in ((first[:3], True), (first, True), (typo, True), (first + " qqqq", False), ("zzzzz", False)):
        one = {"type": "match", "words": words, "field": "title"}
        found = wrong_kinds(slate_with("u", str(item.item_id), [one], f"Found “{words}” in its title."), told.facts)
        assert found == (set() if true else {"match"}), words
    shelf = Shelf("items", "Titles", f"3 found for “{first}”.", [], [{"type": "match", "words": first, "found": 3}])
    slate = replace(slate_with("u", str(item.item_id), []), items=[], shelves=[shelf])
    assert wrong_kinds(slate, told.facts) == {"match"}, "the shelf holds nothing"


def test_how_well_listeners_match_is_computed_anew(told: Told) -> None:
    heard, stock = told.world.inputs.history.heard(), told.world.stock
    busy = np.argsort(-np.bincount(heard.user))[:2].tolist()
    played = [set(heard.item[heard.user == user].tolist()) for user in busy]
    one, other = (stock.direction_of(told.world.query(user).taste) for user in busy)
    common = len(played[0] & played[1]) / min(map(len, played))
    percent = round(50 * max(float(one @ other), 0.0) + 50 * common)
    users = [told.users[user] for user in busy]
    right = [{"type": "match", "user_id": users[at], "with": [users[1 - at]], "percent": percent} for at in (0, 1)]
    item = str(told.facts.items[0].item_id)
    assert "match" not in wrong_kinds(slate_with(users[0], item, right), told.facts)
    assert "match" in wrong_kinds(slate_with(users[0], item, [right[0] | {"with": []}]), told.facts)
    for wrong in falsified(right[0]):
        assert "match" in wrong_kinds(slate_with(users[0], item, [wrong, right[1]]), told.facts), wrong


def test_every_claim_that_is_made_is_found_when_it_is_falsified_by_one(told: Told, answers: list[Slate]) -> None:
    seen = examples(answers)
    for kind, made in seen.items():
        for slate, item, one in made[:: max(len(made) // 20, 1)]:
            for wrong in falsified(one):
                changed = replace(item, evidence=[wrong if other is one else other for other in item.evidence])
                assert kind in wrong_kinds(replace(slate, items=[changed]), told.facts), wrong
    assert len(seen) >= 10
    assert set(seen) | set(by_hand(told)) | {"match"} == set(CHECKERS)


def test_a_claim_is_of_its_listener_and_its_item_only(told: Told, answers: list[Slate]) -> None:
    seen = examples(answers)
    for kind in ("listen", "choice", "circle"):
        slate, item, _ = seen[kind][0]
        assert kind in wrong_kinds(replace(slate, user_id="nobody", items=[item]), told.facts)
    for kind in ("together", "similar", "popular", "rising", "cohort"):
        wrong = 0
        for slate, item, _ in seen[kind][:20]:
            wrong += kind in wrong_kinds(replace(slate, items=[replace(item, item_id="sim-track-00799")]), told.facts)
        assert wrong >= 18, kind


def test_a_sentence_with_another_number_or_name_is_found(told: Told, answers: list[Slate]) -> None:
    other = told.facts.items[77].label
    for kind, made in examples(answers).items():
        for slate, item, one in made[:: max(len(made) // 10, 1)]:
            sentences = {re.sub(r"(?<=\D)\b\d+(?= times| sitting| playlist| listeners)", "1,234,567", item.reason)}
            sentences.add(re.sub(r"\b(once|twice)\b", "9 times", item.reason))
            sentences.add(re.sub(r"in a week", "in four weeks", item.reason))
            sentences.add(re.sub(r"\b(today|yesterday|\d+ (days|months) ago)", "997 days ago", item.reason))
            if item.item_id != "sim-track-00078":  # an item's own name may stand in its sentence
                sentences.add(item.reason.replace(told.facts.item(one.get("item_id", item.item_id)).label, other))
                if other not in item.reason:
                    sentences.add(item.reason[:-1] + f", like {other}.")
            for sentence in sentences - {item.reason}:
                found = wrong_kinds(replace(slate, items=[replace(item, reason=sentence)]), told.facts)
                assert "sentence" in found, (kind, sentence, item.evidence)


@pytest.mark.parametrize(
    ("sentence", "true"),
    [("You played each of these at least twice, and none in the last 60 days.", True),
     ("You played each of these at least 3 times.", False), ("None in the last 90 days.", False),
     ("You played each of these in the last 100 days.", True), ("You played each of these in the last 70 days.", False),
     ("The energy goes up here, from 0.68 to 0.74.", True), ("The energy goes up here, from 0.67 to 0.75.", False),
     ("Chosen by your 2 plays here.", True), ("Chosen by your 4 plays here.", False),
     ("It comes in at 98 bpm.", True), ("It comes in at 99 bpm.", False)],
)  # fmt: skip
def test_sentences_of_shelves_are_held_to_all_of_their_evidence(told: Told, sentence: str, true: bool) -> None:
    ids = [str(told.facts.items[row].item_id) for row in (3, 4)]
    evidence = [
        {"type": "listen", "item_id": ids[0], "plays": 2, "days_ago": 61.2},
        {"type": "listen", "item_id": ids[1], "plays": 3, "days_ago": 80.0},
        {"type": "energy", "item_id": ids[0], "energy": 0.684}, {"type": "energy", "item_id": ids[1], "energy": 0.739},
        {"type": "tempo", "item_id": ids[0], "tempo_bpm": 97.6, "from_bpm": 120.0},
    ]  # fmt: skip
    assert ("sentence" not in wrong_kinds(slate_with("u", ids[0], evidence, sentence), told.facts)) == true


@pytest.mark.parametrize(
    "sentence",
    ["You played this 4 times.", "Close to Queen.", "Queen, close to this.", "Close to this, 88% of it.",
     'Close to "it".', "Close to this: Queen.", "Played twice here in four weeks.", "Heard by 4 listeners.",
     "Close to this, today.", "In 3 sittings.", "Not for 9 days.", "Close to this. Ana too.",
     "Close to this at 120 bpm."],
)  # fmt: skip
def test_sentences_that_say_more_than_their_evidence(told: Told, sentence: str) -> None:
    item = str(told.facts.items[4].item_id)
    plays = len(told.facts.everybody(item, 7))
    evidence = [{"type": "popular", "plays": plays, "days": 7}]
    assert wrong_kinds(slate_with("u", item, evidence, sentence), told.facts) >= {"sentence"}
    assert "sentence" not in wrong_kinds(slate_with("u", item, evidence, "Close to this."), told.facts)
    assert "sentence" in wrong_kinds(slate_with("u", item, [], "Close to this."), told.facts)


def test_shelves_are_checked_with_their_titles(told: Told) -> None:
    user, item, fields = by_hand(told)["artist"]
    right = {"type": "artist", **fields}
    reason = f"You played {fields['artist']} {fields['plays']:,} times."
    shelf = Shelf("more", f"More by {fields['artist']}", reason, [], [right])
    slate = replace(slate_with(user, item, [right]), items=[], shelves=[shelf])
    assert check(slate, told.facts).false == []
    wrong = replace(shelf, title="More by Somebody Else")
    assert wrong_kinds(replace(slate, shelves=[wrong]), told.facts) == {"sentence"}
    wrong = replace(shelf, evidence=[{**right, "plays": fields["plays"] + 1}])
    assert wrong_kinds(replace(slate, shelves=[wrong]), told.facts) == {"artist", "sentence"}


def test_an_unknown_type_is_unchecked_until_somebody_registers_it(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    item = str(told.facts.items[4].item_id)
    slate = slate_with("u", item, [{"type": "weather", "degrees": 20}])
    assert check(slate, told.facts).unchecked == {"weather": 1}
    assert not check(slate, told.facts).clean
    monkeypatch.setitem(CHECKERS, "weather", CHECKERS["listen"])  # so that it is taken out again
    checks("weather")(lambda one, said, facts: None if one["degrees"] == 20 else "it is 20")
    assert check(slate, told.facts).checked["weather"] == 1
    assert wrong_kinds(slate, told.facts) == set()
    assert wrong_kinds(slate_with("u", item, [{"type": "weather", "degrees": 21}]), told.facts) == {"weather"}
    assert wrong_kinds(slate_with("u", item, [{"type": "weather"}]), told.facts) == {"weather"}
