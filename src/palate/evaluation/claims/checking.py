"""Slates in, a Tally out: each piece of evidence, and each sentence, true, false or unchecked."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate.core.errors import BadInput
from palate.core.slate import Slate, SlateItem
from palate.evaluation.claims.facts import Facts
from palate.evaluation.claims.registry import CHECKERS, Evidence, Said
from palate.evaluation.claims.sentences import wrong_in

SENTENCE = "sentence"  # in a Tally, beside the types of evidence
NAMED_BY = ("artist", "genre", "country", "name", "user", "user_id", "collection", "show", "words")
TEXTS_BY = ("with", "users", "artists", "genres", "shows")


@dataclass(frozen=True)
class FalseClaim:
    """What was said, to whom, and what is wrong with it."""

    kind: str
    surface: str
    user_id: str | None
    item_id: str | None
    said: str
    wrong: str

    def __str__(self) -> str:
        where = f"{self.surface} for {self.user_id}" + (f", {self.item_id}" if self.item_id else "")
        return f"{self.kind} on {where}: {self.said}: {self.wrong}"


@dataclass(frozen=True)
class Tally:
    """Counts by type of claim: all that were checked, the false ones, and those that nobody can check."""

    checked: Counter[str] = field(default_factory=Counter)
    unchecked: Counter[str] = field(default_factory=Counter)
    false: list[FalseClaim] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether something was checked, nothing is false, and nothing is unchecked."""
        return bool(self.checked) and not self.false and not self.unchecked

    def add(self, other: "Tally") -> None:
        """Takes another's counts in."""
        self.checked.update(other.checked)
        self.unchecked.update(other.unchecked)
        self.false.extend(other.false)


def check(slate: Slate, facts: Facts, picked: Sequence[str] = (), tastes: Sequence[NDArray[np.float32]] = ()) -> Tally:
    """Every claim of a slate: of its items, and of its shelves and their titles.

    picked, tastes: as in Said; what the request told of the listener, and the tastes it was answered with.
    """
    tally, ids = Tally(), tuple(item.item_id for item in slate.items)
    to = Said(slate.user_id, None, "", ids, picked=tuple(picked), tastes=tuple(tastes))
    items = [(item, ids) for item in slate.items]
    for shelf in slate.shelves:
        held = tuple(item.item_id for item in shelf.items)
        items += [(item, held) for item in shelf.items if item not in slate.items]
        said = replace(to, item_ids=held)
        _claims(shelf.evidence, said, slate.surface, facts, tally)
        for text in (shelf.title, shelf.reason):
            _sentence(text, shelf.evidence, said, slate.surface, facts, tally, ())
    for item, held in items:
        said = replace(to, item_id=item.item_id, source=item.source, item_ids=held)
        _claims(item.evidence, said, slate.surface, facts, tally)
        if not item.evidence:
            tally.false.append(_false(SENTENCE, said, slate.surface, item.reason, "it is said without evidence"))
        _sentence(item.reason, item.evidence, said, slate.surface, facts, tally, _item_names(item))
    return tally


def _claims(evidence: list[Evidence], said: Said, surface: str, facts: Facts, tally: Tally) -> None:
    for one in evidence:
        kind = str(one.get("type"))
        if kind not in CHECKERS:
            tally.unchecked[kind] += 1
            continue
        tally.checked[kind] += 1
        try:
            wrong = CHECKERS[kind](one, replace(said, beside=tuple(evidence)), facts)
        except KeyError as error:
            wrong = f"it has no {error}"
        except (BadInput, TypeError, ValueError) as error:
            wrong = str(error)
        if wrong:
            tally.false.append(_false(kind, said, surface, str(one), wrong))


def _sentence(
    text: str, evidence: list[Evidence], said: Said, surface: str, facts: Facts, tally: Tally, names: Iterable[str]
) -> None:
    tally.checked[SENTENCE] += 1
    known = [*names, *(name for one in evidence for name in _names(one, facts))]
    wrong = wrong_in(text, evidence, known, said.user_id is not None)
    if wrong:
        tally.false.append(_false(SENTENCE, said, surface, f"{text!r} of {evidence}", wrong))


def _false(kind: str, said: Said, surface: str, text: str, wrong: str) -> FalseClaim:
    return FalseClaim(kind, surface, said.user_id, said.item_id, text, wrong)


def _names(one: Evidence, facts: Facts) -> Iterator[str]:
    """What the things of the evidence are called."""
    for name in NAMED_BY:
        if isinstance(one.get(name), str):
            yield one[name]
    for name in TEXTS_BY:
        yield from (text for text in one.get(name, ()) if isinstance(text, str))
    if isinstance(one.get("plays"), dict):
        yield from one["plays"]
    for item_id in (one.get("item_id"), one.get("of")):
        yield from _called(item_id, facts)


def _called(item_id: Any, facts: Facts) -> Iterator[str]:
    """An item by label, title, artists and id; nothing for an unknown one, which its checker finds."""
    try:
        item = facts.item(item_id)
    except BadInput:
        return
    yield from (item.label, str(item.item_id), *item.artists, *((item.title,) if item.title else ()))


def _item_names(item: SlateItem) -> list[str]:
    """The item may be called by its own name."""
    return [*item.artists, *([item.title] if item.title else []), item.item_id]
