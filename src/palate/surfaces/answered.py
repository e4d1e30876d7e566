"""An answer with all that is worth keeping of it, and the further pages of one that was kept."""

from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate.core.candidates import Candidates
from palate.core.slate import Slate, SlateItem
from palate.listening.slates import Answered, SlateSettings, is_sampled
from palate.ranking.features import NAMES
from palate.ranking.watch import Watch, watching
from palate.surfaces.ask import Ask
from palate.surfaces.explain import explain
from palate.surfaces.live import LiveHome
from palate.surfaces.registry import answer

_SEED_OF_A_LISTENER = "user:"
_NOT_TOLD = ("user_id", "private", "steer", "exclude")  # of an Ask: known otherwise, or told by its parts


def answered(live: LiveHome, name: str, ask: Ask, settings: SlateSettings) -> Answered:
    """What the surface answers, with its ranks and, for a share of slates, the features of what it shows.

    The errors are those of `registry.answer`. A slate that a surface put together by itself has no further ranks.
    """
    with watching() as watch:
        slate = answer(live, name, ask)
    ranks = _ranks(live, slate, watch)
    shown, sampled = ranks.items[: len(slate.items)], is_sampled(slate.slate_id, settings.features_share)
    features = watch.features_of(shown) if sampled else None
    column = np.argmax(~np.isnan(ranks.offered), axis=1)
    because, offers = (part[np.arange(len(ranks)), column] for part in (ranks.because, ranks.offered))
    sources = tuple(ranks.sources[at] for at in column.tolist())
    return Answered(
        slate, live.clock.wall(), live.clock.now(), ranks.items, ranks.scores, because, sources, _told(ask),
        _named(ask), features, NAMES if features is not None else (), 1, offers,
    )  # fmt: skip


def more(live: LiveHome, one: Answered, begin: int, end: int) -> list[SlateItem]:
    """The items at ranks begin:end, counted from 0, which may lie behind those that the slate itself shows.

    live: the home as open now, of the slate's space. What is told of the listener's own plays is as of now.
    """
    slate = one.slate
    items, first = slate.items[begin:end], max(begin, len(slate.items))
    if first >= end:
        return items
    query = live.query(Ask(slate.user_id, private=True), slate.surface)
    return items + explain(_behind(one, first, end), query, live.path.stock, live.path.labels)


def _ranks(live: LiveHome, slate: Slate, watch: Watch) -> Candidates:
    """The ranks that the path noted, where they begin with what is shown; else what is shown."""
    noted, ids = watch.ranks.get(slate.slate_id), [item.item_id for item in slate.items]
    if noted is not None and not slate.shelves:
        labels = live.path.labels  # kept in memory, unlike the rows of ids
        if ids == [labels.get(row).item_id for row in noted.items[: len(ids)].tolist()]:
            return noted
    rows = [live.items.row(one) for one in ids]
    shown = np.array([-1 if row is None else row for row in rows], np.int32)
    sources = tuple(dict.fromkeys(item.source for item in slate.items)) or ("",)
    scores = np.array([item.score for item in slate.items], np.float32)
    return _candidates(shown, scores, np.full(len(shown), -1, np.int32), [item.source for item in slate.items], sources)


def _behind(one: Answered, begin: int, end: int) -> Candidates:
    part = slice(begin, end)
    sources = tuple(dict.fromkeys(one.sources[part])) or ("",)
    offers = None if one.offers is None else one.offers[part]
    return _candidates(one.rows[part], one.scores[part], one.because[part], list(one.sources[part]), sources, offers)


def _candidates(
    rows: NDArray[np.int32], scores: NDArray[np.float32], because: NDArray[np.int32], each: list[str],
    sources: tuple[str, ...], offers: NDArray[np.float32] | None = None,
) -> Candidates:  # fmt: skip
    """Candidates of which only the most telling source is known."""
    at, column = np.arange(len(rows)), np.array([sources.index(source) for source in each], np.intp)
    offered = np.full((len(rows), len(sources)), np.nan, np.float32)
    anchors = np.full((len(rows), len(sources)), -1, np.int32)
    offered[at, column] = 0.0 if offers is None else np.nan_to_num(offers)
    anchors[at, column] = because
    return Candidates(rows, sources, offered, anchors, scores)


def _told(ask: Ask) -> dict[str, Any]:
    """What the request says, as JSON has it, without what is at its default."""
    usual = Ask()
    told: dict[str, Any] = {
        one.name: getattr(ask, one.name)
        for one in fields(ask)
        if one.name not in _NOT_TOLD and getattr(ask, one.name) != getattr(usual, one.name)
    }
    if ask.steer != usual.steer:
        told["steer"] = {"adventure": ask.steer.adventure, "energy": ask.steer.energy}
    return told | ({"excluded": len(ask.exclude)} if ask.exclude else {})  # a radio excludes all that it has played


def _named(ask: Ask) -> tuple[str, ...]:
    """Other listeners whom the request names: the slate may tell of them too."""
    seeds = [seed.removeprefix(_SEED_OF_A_LISTENER) for seed in ask.seeds if seed.startswith(_SEED_OF_A_LISTENER)]
    return tuple(dict.fromkeys((*ask.others, *seeds)))
