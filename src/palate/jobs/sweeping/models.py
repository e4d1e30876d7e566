"""The models of one moment, fitted with some settings: whole, or with parts that trials share taken from disk."""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from palate.core.recording import recording
from palate.embeddings.company import Company, fit_company
from palate.embeddings.foundation import Foundation, factor_settings, fit_factors, fit_foundation, fit_lesson
from palate.embeddings.inputs import Inputs
from palate.embeddings.items import ItemModel
from palate.embeddings.teacher import Lesson
from palate.jobs.fit import FitSettings, fit_ranker, fit_space, ranker_examples, stock_at
from palate.jobs.importances import train_watched
from palate.jobs.judge.ours import NoLabels, Trained
from palate.jobs.sweeping.shared import Arrays, Shared, packed, unpacked
from palate.ranking.ranker import Example, Ranker
from palate.surfaces.path import RequestPath

LISTS = ("situations_each", "situations")  # of [users]: what the teacher is asked, not how it is learnt


def whole_taste(known: Inputs, at: float, seed: int, settings: FitSettings) -> Trained:
    """What the taste alone needs, with nothing shared: item vectors and encoder."""
    settings, company = _seeded(settings, seed), fit_company(known.history, known.playlists)
    with recording(None):  # of each window anew: a run of the lab could not tell them apart
        return _trained(known, at, settings, company, fit_space(known, company, settings), Ranker(None))


def whole_path(known: Inputs, at: float, seed: int, settings: FitSettings) -> Trained:
    """All that a request needs, with nothing shared."""
    trained, settings = whole_taste(known, at, seed, settings), _seeded(settings, seed)
    with recording(None):
        ranker = fit_ranker(known, settings)
    return replace(trained, path=RequestPath(trained.path.stock, ranker, NoLabels()))


def taste_on_shared_items(known: Inputs, at: float, seed: int, settings: FitSettings, shared: Shared) -> Trained:
    """As `whole_taste`, to the bit; what the teacher needs and says is shared by all trials that ask it the same."""
    settings = _seeded(settings, seed)
    with recording(None):
        company = _shared_company(known, at, shared)
        return _trained(
            known, at, settings, company, _on_shared_lesson(known, at, settings, company, shared), Ranker(None)
        )


def path_on_shared_examples(known: Inputs, at: float, seed: int, settings: FitSettings, shared: Shared) -> Trained:
    """As `whole_path`, to the bit; only the trees are grown anew."""
    settings = _seeded(settings, seed)
    of = {"at": at, "space": asdict(settings.foundation)}
    cuts = {"cuts": settings.ranker.cuts, "lists": settings.ranker.lists_per_cut, "seed": settings.ranker.seed}
    with recording(None):
        company = _shared_company(known, at, shared)

        def made(path: Path) -> None:
            _on_shared_lesson(known, at, settings, company, shared).save(path)

        space = shared.kept("space", of, made, Foundation.load)
        told = shared.arrays("examples", of | cuts, lambda: _example_arrays(ranker_examples(known, settings)))
        ranker = train_watched(_examples(told), settings.ranker)
    return _trained(known, at, settings, company, space, ranker)


def _seeded(settings: FitSettings, seed: int) -> FitSettings:
    return replace(settings, items=replace(settings.items, seed=seed))


def _trained(
    known: Inputs, at: float, settings: FitSettings, company: Company, space: Foundation, ranker: Ranker
) -> Trained:
    stock = stock_at(known, space, company, at, settings, "judged")
    return Trained(RequestPath(stock, ranker, NoLabels()), space.encoder, known.columns.kind, stock.vectors)


def _shared_company(known: Inputs, at: float, shared: Shared) -> Company:
    def made(path: Path) -> None:
        fit_company(known.history, known.playlists).save(path)

    return shared.kept("company", {"at": at}, made, Company.load)


def _on_shared_lesson(known: Inputs, at: float, settings: FitSettings, company: Company, shared: Shared) -> Foundation:
    """Learnt anew from factorizations and lists that trials share."""
    whole, ensemble = settings.foundation, settings.teacher.ensemble
    of = {"at": at, "items": asdict(whole.items)}

    def factors() -> Arrays:
        return {"vectors": np.stack([model.vectors for model in fit_factors(known, whole)])}

    found = shared.arrays("factors", of | {"ensemble": ensemble}, factors)["vectors"]
    models = [ItemModel(vectors, factor_settings(whole.items)) for vectors in found]
    asked = {name: getattr(whole.users, name) for name in LISTS}
    lists = of | {"teacher": asdict(whole.teacher), "asked": asked}
    lesson = shared.kept(
        "lesson", lists, lambda path: fit_lesson(known, models, company, whole).save(path), Lesson.load
    )
    return fit_foundation(known, models, lesson, whole)


def _example_arrays(examples: list[Example]) -> Arrays:
    if not examples:
        return {}
    features, labels = packed([one.features for one in examples]), np.concatenate([one.labels for one in examples])
    return features | {"labels": labels}


def _examples(arrays: Arrays) -> list[Example]:
    if not arrays:
        return []
    features = unpacked(arrays["rows"], arrays["lengths"])
    return [Example(*one) for one in zip(features, unpacked(arrays["labels"], arrays["lengths"]), strict=True)]
