"""The models of one moment, fitted with some settings: whole, or with parts that trials share taken from disk."""

from dataclasses import asdict, replace
from typing import Any

import numpy as np

from palate.core.recording import recording
from palate.embeddings.company import NEIGHBOURS, Company, fit_company
from palate.embeddings.encoder import Encoder
from palate.embeddings.inputs import Inputs
from palate.embeddings.items import ItemModel, fit_items
from palate.jobs.fit import FitSettings, fit_ranker, fit_user_encoder, ranker_examples, stock_at
from palate.jobs.importances import train_watched
from palate.jobs.judge.ours import NoLabels, Trained
from palate.jobs.sweeping.shared import Arrays, Shared, packed, unpacked
from palate.ranking.ranker import Example, Ranker
from palate.surfaces.path import RequestPath


def whole_taste(known: Inputs, at: float, seed: int, settings: FitSettings) -> Trained:
    """What the taste alone needs, with nothing shared: item vectors and encoder."""
    settings = _seeded(settings, seed)
    with recording(None):  # of each window anew: a run of the lab could not tell them apart
        return _taste(known, at, settings, fit_items(known.history, known.playlists, known.columns, settings.items))


def whole_path(known: Inputs, at: float, seed: int, settings: FitSettings) -> Trained:
    """All that a request needs, with nothing shared."""
    trained, settings = whole_taste(known, at, seed, settings), _seeded(settings, seed)
    stock = replace(trained.path.stock, company=fit_company(known.history, known.playlists))
    with recording(None):
        ranker = fit_ranker(known, settings)
    return replace(trained, path=RequestPath(stock, ranker, NoLabels()))


def taste_on_shared_items(known: Inputs, at: float, seed: int, settings: FitSettings, shared: Shared) -> Trained:
    """As `whole_taste`, to the bit, with item vectors that all trials with the same [items] share."""
    settings = _seeded(settings, seed)
    with recording(None):
        return _taste(known, at, settings, _shared_items(known, at, settings, shared))


def path_on_shared_examples(known: Inputs, at: float, seed: int, settings: FitSettings, shared: Shared) -> Trained:
    """As `whole_path`, to the bit; only the trees are grown anew."""
    settings = _seeded(settings, seed)
    of = _of(at, settings) | {"users": asdict(settings.users), "popularity_share": settings.items.popularity_share}
    cuts = {"cuts": settings.ranker.cuts, "lists": settings.ranker.lists_per_cut, "seed": settings.ranker.seed}
    with recording(None):
        items = _shared_items(known, at, settings, shared)
        encoder = shared.arrays("encoder", of, lambda: _encoder_arrays(known, items, settings))
        company = shared.arrays("company", {"at": at}, lambda: vars(fit_company(known.history, known.playlists)))
        told = shared.arrays("examples", of | cuts, lambda: _example_arrays(ranker_examples(known, settings)))
        ranker = train_watched(_examples(told), settings.ranker)
    made = Encoder(encoder["weights"], float(encoder["count_power"]))
    stock = stock_at(known, items.vectors, Company(**company), at, settings, "judged")
    return Trained(RequestPath(stock, ranker, NoLabels()), made, known.columns.kind, stock.vectors)


def _seeded(settings: FitSettings, seed: int) -> FitSettings:
    return replace(settings, items=replace(settings.items, seed=seed))


def _taste(known: Inputs, at: float, settings: FitSettings, items: ItemModel) -> Trained:
    encoder = fit_user_encoder(known, items, settings.items.seed, settings.users)
    stock = stock_at(known, items.vectors, _nobody(known.history.n_items), at, settings, "judged")
    return Trained(RequestPath(stock, Ranker(None), NoLabels()), encoder, known.columns.kind, stock.vectors)


def _nobody(n_items: int) -> Company:
    """No item has company: the taste alone does not ask."""
    shape = (n_items, NEIGHBOURS)
    return Company(np.full(shape, -1, np.int32), np.zeros(shape, np.float32), np.zeros(shape, np.int32))


def _of(at: float, settings: FitSettings) -> dict[str, Any]:
    """What item vectors depend on. The share of popularity is the listener's: it is in no item's vector."""
    items = {name: value for name, value in asdict(settings.items).items() if name != "popularity_share"}
    return {"at": at, "items": items}


def _shared_items(known: Inputs, at: float, settings: FitSettings, shared: Shared) -> ItemModel:
    def made() -> Arrays:
        return {"vectors": fit_items(known.history, known.playlists, known.columns, settings.items).vectors}

    return ItemModel(shared.arrays("items", _of(at, settings), made)["vectors"], settings.items)


def _encoder_arrays(known: Inputs, items: ItemModel, settings: FitSettings) -> Arrays:
    encoder = fit_user_encoder(known, items, settings.items.seed, settings.users)
    return {"weights": encoder.weights, "count_power": np.array(encoder.count_power)}


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
