"""A freshly trained space, turned onto the live one, so that what was built on the live one reads it as well."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate.embeddings.rotation import Rotation
from palate.embeddings.space import Space
from palate.evaluation.plain import number
from palate.listening.history import History

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Turned:
    """What a training publishes instead of what it found.

    item_vectors # (items, dim) float32
    rows         # (n, dim) float32, the encoder's
    manifest     what the manifest says of it; empty where there was nothing to turn onto
    """

    item_vectors: Vectors
    rows: Vectors
    manifest: dict[str, Any] = field(default_factory=dict)


def rotated_onto_live(item_vectors: Vectors, rows: Vectors, live: Space | None, plays: NDArray[np.integer]) -> Turned:
    """The same space in the axes of `live`: no dot product changes, and what heads read means what it meant.

    item_vectors # (items, dim) float32 by catalogue row, the last coordinate popularity, which stays
    rows         # (n, dim) float32, of the encoder: all that lies in the space of tastes (`Encoder.rows`)
    live         the version to turn onto; None for the first one of a home
    plays        # (items,) how often each item was heard; an item weighs by the square root of its plays
    Without a live version, with the live vectors themselves (`train --only users`), or with fewer dimensions, which no
    rotation can bridge, everything is given back as it came; the manifest then says so.
    """
    if live is None:
        return Turned(item_vectors, rows)
    old = np.asarray(live.item_vectors)
    shared = min(len(old), len(item_vectors))
    if item_vectors.shape[1] < old.shape[1]:
        why = f"{item_vectors.shape[1]} dimensions cannot hold the {old.shape[1]} of {live.label}"
        return Turned(item_vectors, rows, {"rotated_onto": None, "not_rotated": why})
    weight = np.sqrt(plays[:shared].astype(np.float64))
    rotation = Rotation.fit(old[:shared, :-1], item_vectors[:shared, :-1], weight)
    told: dict[str, Any] = {
        "rotated_onto": live.label,
        "shared_items": rotation.shared, "directions": rotation.rank, "residual": number(rotation.residual),
        "mean_cosine_before": number(rotation.mean_cosine_before),
        "mean_cosine_after": number(rotation.mean_cosine_after),
    }  # fmt: skip
    if rotation.shared == 0 or rotation.mean_cosine_before > 1.0 - 1e-9:
        return Turned(item_vectors, rows, told)  # turning by the identity would only round
    return Turned(rotation.turn_all_but_last(item_vectors), rotation.turn_all_but_last(rows), told)


def plays_of(history: History) -> NDArray[np.int64]:
    """(items,) how often each item was heard."""
    return np.bincount(history.heard().item, minlength=history.n_items)
