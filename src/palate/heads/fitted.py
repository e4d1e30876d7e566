"""A head that has learnt: what it reads, from which space, and the model; saved, loaded, asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from palate.core.errors import Corrupt
from palate.heads.facts import FACTS
from palate.heads.models import Linear, Model, Trees

Input = Literal["taste", "item", "product", "facts"]
INPUTS: tuple[Input, ...] = ("taste", "item", "product", "facts")
ASKED_ROWS = 65_536  # rows of a large question are answered in parts, which bounds memory


@dataclass(frozen=True)
class Fitted:
    """inputs: what it reads, in the order of its columns; the others: of the vectors that it was taught on."""

    inputs: tuple[Input, ...]
    space: str
    space_mark: str
    dim: int
    factors: int
    model: Model

    def scores(
        self, tastes: NDArray[np.float32], items: NDArray[np.float32], facts: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """(n,) float32, one for each item; higher is more likely, or more.

        tastes # (n, dim) or (1, dim) for the same listener throughout; items # (n, dim); facts # (n, len(FACTS))
        """
        out = np.empty(len(items), np.float32)
        for start in range(0, len(items), ASKED_ROWS):
            part = slice(start, start + ASKED_ROWS)
            own = tastes if len(tastes) == 1 else tastes[part]
            out[part] = self.model.scores(columns(self.inputs, own, items[part], facts[part], self.factors))
        return out

    def save(self, folder: Path) -> None:
        """Writes the model; the rest is in the manifest, as `told` gives it."""
        self.model.save(folder)

    @property
    def told(self) -> dict[str, Any]:
        """What `load` needs beside the model."""
        model = "trees" if isinstance(self.model, Trees) else "linear"
        return {
            "inputs": list(self.inputs), "facts": list(FACTS), "space": self.space,
            "space_mark": self.space_mark, "dim": self.dim, "factors": self.factors, "stored_as": model,
        }  # fmt: skip

    @classmethod
    def load(cls, folder: Path, manifest: dict[str, Any]) -> "Fitted":
        """From a version's folder and its manifest; Corrupt when the two do not fit this Palate or each other."""
        try:
            inputs, dim = tuple(manifest["inputs"]), int(manifest["dim"])
            told = (inputs, str(manifest["space"]), str(manifest["space_mark"]), dim, int(manifest["factors"]))
            trees, names = manifest["stored_as"] == "trees", tuple(manifest["facts"])
        except (KeyError, TypeError, ValueError) as error:
            raise Corrupt(f"{folder}/manifest.json is no head's ({error!r}); roll back or register it again") from error
        if not set(inputs) <= set(INPUTS) or ("facts" in inputs and names != FACTS):
            raise Corrupt(f"{folder} reads what this Palate does not have; train and register the head again")
        model: Model = Trees.load(folder) if trees else Linear.load(folder)
        width = model.booster.num_feature() if isinstance(model, Trees) else len(model.weights)
        if width != n_columns(inputs, dim):
            raise Corrupt(f"{folder} has a model of {width} columns and reads {n_columns(inputs, dim)}; register again")
        return cls(*told, model)


def n_columns(inputs: Sequence[str], dim: int) -> int:
    """How many columns `columns` gives."""
    width = {"taste": dim, "item": dim, "product": dim + 2, "facts": len(FACTS)}
    return sum(width[one] for one in inputs)


def columns(
    inputs: Sequence[str], tastes: NDArray[np.float32], items: NDArray[np.float32], facts: NDArray[np.float32],
    factors: int,
) -> NDArray[np.float32]:  # fmt: skip
    """(n, n_columns) float32, what a model reads: the blocks named in `inputs`, in that order.

    taste and item are the vectors. product is their product coordinate by coordinate, its sum, and the cosine of the
    first `factors` coordinates: a small model cannot find the sum by itself, since it would have to weigh all alike.
    """
    n, dim = items.shape
    out = np.empty((n, n_columns(inputs, dim)), np.float32)
    start = 0
    for name in inputs:
        stop = start + n_columns((name,), dim)
        block = out[:, start:stop]
        if name == "product":
            np.multiply(tastes, items, out=block[:, :dim])
            block[:, dim] = block[:, :dim].sum(axis=1)
            lengths = np.linalg.norm(tastes[:, :factors], axis=1) * np.linalg.norm(items[:, :factors], axis=1)
            block[:, dim + 1] = block[:, :factors].sum(axis=1) / np.maximum(lengths, 1e-9)
        else:
            block[:] = {"taste": tastes, "item": items, "facts": facts}[name]
        start = stop
    return out
