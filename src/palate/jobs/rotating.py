"""A freshly trained space, turned onto the live one, so that what was built on the live one reads it as well."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate.embeddings.encoder import Encoder
from palate.embeddings.rotation import Rotation
from palate.embeddings.space import Space
from palate.evaluation.plain import number
from palate.listening.history import History

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Turned:
    """What a training publishes instead of what it found.

    item_vectors # (items, dim) float32
    encoder      whose tastes are turned alike, and whose habits count time from the same moment
    manifest     what the manifest says of it; empty where there was nothing to turn onto
    """

    item_vectors: Vectors
    encoder: Encoder
    manifest: dict[str, Any] = field(default_factory=dict)


def rotated_onto_live(
    item_vectors: Vectors, encoder: Encoder, live: Space | None, plays: NDArray[np.integer]
) -> Turned:
    """The same space in the axes of `live`: no dot product changes, and what heads read means what it meant.

    item_vectors # (items, dim) float32 by catalogue row, the last coordinate popularity, which stays
    encoder      that goes with them
    live         the version to turn onto; None for the first one of a home
    plays        # (items,) how often each item was heard; an item weighs by the square root of its plays
    Without a live version, with the live vectors themselves (`train --only users`), or with fewer dimensions, which no
    rotation can bridge, everything is given back as it came; the manifest then says so. Habits are not turned. Where
    the live version has none and its factors stood in their place, the manifest says how many are lost.
    """
    if live is None:
        return Turned(item_vectors, encoder)
    old = np.asarray(live.item_vectors)
    if encoder.habits and live.encoder.habits_since is not None:
        encoder = replace(encoder, habits_since=live.encoder.habits_since)
    shared = min(len(old), len(item_vectors))
    if item_vectors.shape[1] < old.shape[1]:
        why = f"{item_vectors.shape[1]} dimensions cannot hold the {old.shape[1]} of {live.label}"
        return Turned(item_vectors, encoder, {"rotated_onto": None, "not_rotated": why})
    weight = np.sqrt(plays[:shared].astype(np.float64))
    n, held = encoder.factors, live.encoder.factors
    rotation = Rotation.fit(old[:shared, : min(n, held)], item_vectors[:shared, :n], weight)
    told: dict[str, Any] = {
        "rotated_onto": live.label,
        "shared_items": rotation.shared, "directions": rotation.rank, "residual": number(rotation.residual),
        "mean_cosine_before": number(rotation.mean_cosine_before),
        "mean_cosine_after": number(rotation.mean_cosine_after),
    }  # fmt: skip
    if held > n:
        told["lost_factors"] = held - n
    if rotation.shared == 0 or rotation.mean_cosine_before > 1.0 - 1e-9:
        return Turned(item_vectors, encoder, told)  # turning by the identity would only round
    encoder = encoder.with_rows(rotation.turn_factors(encoder.rows))
    return Turned(rotation.turn_factors(item_vectors), encoder, told)


def plays_of(history: History) -> NDArray[np.int64]:
    """(items,) how often each item was heard."""
    return np.bincount(history.heard().item, minlength=history.n_items)
