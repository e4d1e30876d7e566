"""Every claim of thousands of answers, checked against the raw listens and playlists: not one may be false.

The facts are counted here anew, with sets and loops, by nothing that the house itself counts with.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pytest

from palate.core.listens import Event
from palate.core.slate import SlateItem
from palate.surfaces.screens.for_you import FOR_YOU, FOR_YOU_UNHEARD
from palate.surfaces.screens.radio import RADIO
from palate.surfaces.screens.similar import SIMILAR

from .planted import Planted, planted

DAY = 86_400.0
N = 20


@dataclass(frozen=True)
class Answered:
    """One answered item: for which user row (-1 for nobody), on which surface."""

    user: int
    surface: str
    item: SlateItem


@dataclass(frozen=True, eq=False)
class Facts:
    """What really happened."""

    world: Planted

    @cached_property
    def plays(self) -> dict[tuple[int, int], list[float]]:
        """(user, item) -> when it was played and not left early."""
        out: dict[tuple[int, int], list[float]] = defaultdict(list)
        for user, item, when, _ in self._played():
            out[user, item].append(when)
        return out

    @cached_property
    def heard(self) -> dict[int, list[float]]:
        """item -> when anybody played it."""
        out: dict[int, list[float]] = defaultdict(list)
        for _, item, when, _ in self._played():
            out[item].append(when)
        return out

    @cached_property
    def touched(self) -> set[int]:
        """Items of which anybody heard at least the beginning."""
        history = self.world.inputs.history
        started = np.isin(history.event, (Event.PLAY, Event.SKIP))
        return set(history.item[started].tolist())

    @cached_property
    def sittings(self) -> dict[int, set[int]]:
        """item -> the sittings in which it was heard."""
        out: dict[int, set[int]] = defaultdict(set)
        for _, item, _, sitting in self._played():
            out[item].add(sitting)
        return out

    @cached_property
    def playlists(self) -> dict[int, set[str]]:
        """item -> the playlists that it stood on before now."""
        out: dict[int, set[str]] = defaultdict(set)
        for stay in (one for one in self.world.world.playlists if (one.added or 0.0) < self.world.now):
            out[self.world.row_of[stay.item_id]].add(str(stay.playlist_id))
        return out

    def together(self, one: int, other: int) -> int:
        return len(self.sittings[one] & self.sittings[other]) + len(self.playlists[one] & self.playlists[other])

    def cosine(self, one: int, other: int) -> float:
        a, b = (self.world.stock.vectors[row, :-1].astype(np.float64) for row in (one, other))
        return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))

    def days_since(self, moment: float) -> float:
        return (self.world.now - moment) / DAY

    def _played(self) -> Iterator[tuple[int, int, float, int]]:
        h = self.world.inputs.history
        columns = (h.user, h.item, h.timestamp, h.session, h.event, h.seconds_played, h.duration_seconds)
        for user, item, when, sitting, event, seconds, duration in zip(*(c.tolist() for c in columns), strict=True):
            if event == Event.PLAY and not (seconds < 30 and seconds < duration / 2):
                yield user, item, when, sitting


@pytest.fixture(scope="module")
def world() -> Planted:
    return planted()


@pytest.fixture(scope="module")
def facts(world: Planted) -> Facts:
    return Facts(world)


@pytest.fixture(scope="module")
def answers(world: Planted) -> list[Answered]:
    """for_you (with and without what was heard) and radio for every listener and a stranger; similar for many items."""
    out = []
    for user in world.listeners(least_events=1):
        seeds = (user % 800, (7 * user) % 800)
        for recipe, query in (
            (FOR_YOU, world.query(user)),
            (FOR_YOU_UNHEARD, world.query(user)),
            (RADIO, world.query(user, seeds)),
        ):
            slate = world.path.answer(recipe, query, N, world.inputs.history.users[user])
            out += [Answered(user, recipe.name, item) for item in slate.items]
    for recipe in (FOR_YOU, RADIO):
        out += [Answered(-1, recipe.name, i) for i in world.path.answer(recipe, world.stranger(), N, "nobody").items]
    for seed in range(0, 800, 3):
        slate = world.path.answer(SIMILAR, world.stranger((seed,)), N, None)
        out += [Answered(-1, "similar", item) for item in slate.items]
    return out


def claims(answers: list[Answered], kind: str) -> list[tuple[Answered, dict[str, Any]]]:
    """All evidence of one type; at least a few, or the test that asks tests nothing."""
    found = [(answer, one) for answer in answers for one in answer.item.evidence if one["type"] == kind]
    assert len(found) > 5, kind
    return found


def said_times(sentence: str) -> list[int]:
    """Every "once", "twice" and "14 times" of a sentence."""
    found = re.findall(r"\b(once|twice|([\d,]+) times)\b", sentence)
    return [{"once": 1, "twice": 2}.get(word) or int(number.replace(",", "")) for word, number in found]


def test_there_are_thousands_of_them_from_every_source(answers: list[Answered]) -> None:
    assert len(answers) > 10_000
    sources = {answer.item.source for answer in answers}
    assert sources == {"again", "company", "company_of_seeds", "near_taste", "near_seeds", "new", "popular"}
    assert {one["type"] for answer in answers for one in answer.item.evidence} >= {"listen", "together", "similar"}


def test_nothing_is_said_without_evidence(answers: list[Answered]) -> None:
    for answer in answers:
        assert answer.item.evidence
        assert re.fullmatch(r"[A-Z].*\.", answer.item.reason)


def test_times_of_playing_are_true(answers: list[Answered], facts: Facts, world: Planted) -> None:
    false = []
    for answer, one in claims(answers, "listen"):
        played = facts.plays[answer.user, world.row_of[one["item_id"]]]
        if len(played) != one["plays"] or abs(facts.days_since(max(played, default=-np.inf)) - one["days_ago"]) > 0.006:
            false.append((answer, len(played)))
    assert len(false) == 0, false[:3]


def test_what_is_heard_together_is_counted_right(answers: list[Answered], facts: Facts, world: Planted) -> None:
    for answer, one in claims(answers, "together"):
        together = facts.together(world.row_of[answer.item.item_id], world.row_of[one["item_id"]])
        assert one["groups"] == together > 0, answer


def test_together_is_said_of_hearing_only_when_it_was_heard(
    answers: list[Answered], facts: Facts, world: Planted
) -> None:
    false = []
    for answer, one in claims(answers, "together"):
        mine, other = world.row_of[answer.item.item_id], world.row_of[one["item_id"]]
        if "heard together" in answer.item.reason.lower() and not facts.sittings[mine] & facts.sittings[other]:
            false.append(answer)
    assert len(false) == 0, false[:3]


def test_likeness_is_measured_right(answers: list[Answered], facts: Facts, world: Planted) -> None:
    for answer, one in claims(answers, "similar"):
        cosine = facts.cosine(world.row_of[answer.item.item_id], world.row_of[one["item_id"]])
        assert one["cosine"] == pytest.approx(cosine, abs=0.0006), answer


def test_what_is_called_similar_points_the_same_way(answers: list[Answered]) -> None:
    false = [answer for answer, one in claims(answers, "similar") if one["cosine"] <= 0]
    assert len(false) == 0, false[:3]


def test_popularity_is_counted_right(answers: list[Answered], facts: Facts, world: Planted) -> None:
    for answer, one in claims(answers, "popular"):
        heard = facts.heard[world.row_of[answer.item.item_id]]
        days = np.inf if one["days"] is None else one["days"]
        assert one["plays"] == sum(facts.days_since(when) <= days for when in heard) > 0, answer


def test_what_is_new_is_counted_right(answers: list[Answered], facts: Facts, world: Planted) -> None:
    for answer, one in claims(answers, "new"):
        heard = facts.heard[world.row_of[answer.item.item_id]]
        assert one["plays"] == len(heard), answer
        if heard:
            assert one["days"] == pytest.approx(facts.days_since(min(heard)), abs=0.006), answer


def test_nobody_is_said_only_of_what_nobody_did(answers: list[Answered], facts: Facts, world: Planted) -> None:
    """Heard is played and not skipped; played is more."""
    said = [answer for answer, _ in claims(answers, "new") if "nobody" in answer.item.reason.lower()]
    assert len(said) > 3
    for answer in said:
        row = world.row_of[answer.item.item_id]
        assert not (row in facts.touched if "played" in answer.item.reason else facts.heard[row]), answer


def test_new_is_said_only_of_what_was_released_or_first_heard_lately(
    answers: list[Answered], facts: Facts, world: Planted
) -> None:
    false = []
    for answer, _ in claims(answers, "new"):
        row = world.row_of[answer.item.item_id]
        moments = [*facts.heard[row][:1], float(world.inputs.columns.released[row])]
        if "new" in answer.item.reason.lower() and not any(facts.days_since(moment) <= 60 for moment in moments):
            false.append(answer)
    assert len(false) == 0, false[:3]


def test_the_sentence_says_the_numbers_of_the_evidence(answers: list[Answered]) -> None:
    for answer in answers:
        plays = [one["plays"] for one in answer.item.evidence if one.get("plays")]
        assert said_times(answer.item.reason) == plays, answer
        for one in answer.item.evidence:
            if one["type"] == "together":
                assert re.search(rf"\bin {one['groups']:,} (sitting|playlist)", answer.item.reason), answer


def test_the_sentence_says_when_as_the_evidence_does(answers: list[Answered]) -> None:
    seen = set()
    for answer in answers:
        (one, *_), reason = answer.item.evidence, answer.item.reason
        told = re.search(r"(today|yesterday|([\d,]+) (day|month)s? ago)", reason)
        if told is None or one["type"] not in ("listen", "new"):
            continue
        days = one["days_ago"] if one["type"] == "listen" else one["days"]
        low, high = {"today": (0, 1), "yesterday": (1, 2)}.get(told[1], (0.0, 0.0))
        if told[2]:
            count, unit = int(told[2].replace(",", "")), {"day": 1.0, "month": 30.4}[told[3]]
            low, high = count * unit, (count + 1) * unit
        assert low <= days < high, answer
        seen.add(told[3] or told[1])
    assert {"today", "yesterday", "day", "month"} <= seen


def test_the_sentence_names_what_the_evidence_names(answers: list[Answered], world: Planted) -> None:
    for answer, one in claims(answers, "together") + claims(answers, "similar"):
        assert world.world.items[world.row_of[one["item_id"]]].label in answer.item.reason, answer


def test_nothing_is_told_of_a_listener_to_somebody_else(answers: list[Answered]) -> None:
    for answer in answers:
        if answer.user < 0:
            assert all(one["type"] != "listen" for one in answer.item.evidence)
            assert not re.search(r"\byou\b", answer.item.reason, re.IGNORECASE), answer
