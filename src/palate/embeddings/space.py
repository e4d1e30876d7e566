"""A space: one published version of everything that a vector needs to be compared with.

A folder `taste@7` with a manifest, the item vectors, the encoder and the company table; other rooms put their own
artefacts beside them (index, trends, ranker). It is written under another name and renamed once, and never changes
afterwards. Which version answers requests is an alias, kept in a history that is only added to (core/aliases.py).
"""

import hashlib
import re
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate.core.aliases import FILE, LIVE, AliasHistory, Entry, Move, Standing
from palate.core.artefacts import atomic_folder, read_json, write_json
from palate.core.errors import BadInput, Corrupt, NotTrained
from palate.embeddings.company import Company
from palate.embeddings.encoder import Encoder

FORMAT = 1
NAME = "taste"


@dataclass(frozen=True)
class Space:
    """One version, read from its folder; the parts load when first asked for."""

    folder: Path

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """Name, version, dim, items, format, created, fingerprint of its inputs, settings, hashes of the files."""
        path = self.folder / "manifest.json"
        if not path.is_file():
            raise Corrupt(f"{path} is missing, so {self.label} is not a space; roll back or train again")
        manifest = read_json(path)
        if manifest.get("format") != FORMAT:
            raise Corrupt(f"{self.folder} has format {manifest.get('format')}, this Palate reads {FORMAT}; train again")
        return dict(manifest)

    @property
    def label(self) -> str:
        """`taste@7`: carried by every vector of this space."""
        return self.folder.name

    @cached_property
    def item_vectors(self) -> NDArray[np.float32]:
        """(items, dim) float32 by catalogue row, memory-mapped."""
        path = self.folder / "item_vectors.npy"
        try:
            vectors: NDArray[np.float32] = np.load(path, mmap_mode="r", allow_pickle=False)
        except (ValueError, OSError, EOFError) as error:
            raise Corrupt(f"{path} cannot be read ({error}); roll back or train again") from error
        return vectors

    @cached_property
    def encoder(self) -> Encoder:
        return Encoder.load(self.folder / "encoder.npz")

    @cached_property
    def company(self) -> Company:
        return Company.load(self.folder / "company.npz")

    def verify(self) -> None:
        """Reads every file and compares its hash with the manifest; Corrupt names the file that differs."""
        for name, expected in self.manifest["files"].items():
            if not (self.folder / name).is_file() or _hash(self.folder / name) != expected:
                raise Corrupt(f"{self.folder / name} is not what was published; roll back or train again")


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()[:32]


@dataclass(frozen=True)
class Spaces:
    """All versions of a home, and which one is live."""

    folder: Path

    def versions(self) -> list[Space]:
        """Every published version, oldest first."""
        found = [
            (int(m[1]), path)
            for path in self.folder.glob(f"{NAME}@*")
            if (m := re.fullmatch(rf"{NAME}@(\d+)", path.name))
        ]
        return [Space(path) for _, path in sorted(found)]

    def next_label(self) -> str:
        """What the next published version will be called. A label is not given twice, even when its folder is gone."""
        labels = [space.label for space in self.versions()] + [entry.space for entry in self.aliases.entries()]
        numbers = [int(found[1]) for label in labels if (found := re.fullmatch(rf"{NAME}@(\d+)", label))]
        return f"{NAME}@{max(numbers, default=0) + 1}"

    def publish(self, manifest: dict[str, Any], fill: Callable[[Path], None]) -> Space:
        """Makes the next version: `fill(folder)` writes its files; then it gets a manifest and its name."""
        target = self.folder / self.next_label()
        with atomic_folder(target) as folder:
            fill(folder)
            files = {p.relative_to(folder).as_posix(): _hash(p) for p in sorted(folder.rglob("*")) if p.is_file()}
            stamp = {
                "name": NAME,
                "version": int(target.name.split("@")[1]),
                "format": FORMAT,
                "created": time.time(),
                "files": files,
            }
            write_json(folder / "manifest.json", manifest | stamp)
        return Space(target)

    def get(self, label: str) -> Space:
        """`taste@7` -> that version; BadInput lists what there is."""
        by_label = {space.label: space for space in self.versions()}
        if label not in by_label:
            raise BadInput(f"no space {label!r}; there are: {', '.join(by_label) or 'none yet, run `palate train`'}")
        return by_label[label]

    @property
    def aliases(self) -> AliasHistory:
        """Every promotion, rollback and refusal, and where the aliases stand."""
        return AliasHistory(self.folder / FILE)

    @property
    def live(self) -> Space:
        """The version that answers requests; NotTrained when nothing was promoted yet."""
        standing = self.aliases.standing()
        if standing.live is None:
            remedy = "train" if standing.next is None else f"space promote {standing.next}"
            raise NotTrained(f"{self.folder.parent} has no live space yet; run `palate {remedy}`")
        return self.get(standing.live)

    @property
    def fallback(self) -> str | None:
        """The label that a rollback makes live: the promotion before, whose folder is still there."""
        present = {space.label for space in self.versions()}
        return next((label for label in self.aliases.standing().earlier if label in present), None)

    @property
    def previous(self) -> str:
        """The same; BadInput when there is none."""
        label = self.fallback
        if label is None:
            raise BadInput("there is no earlier live version to roll back to")
        return label

    @property
    def in_use(self) -> list[str]:
        """The labels that an alias may ask for at once, live first: their listeners' records have to be kept."""
        standing = self.aliases.standing()
        return list(dict.fromkeys(one for one in (standing.live, self.fallback, standing.next) if one is not None))

    def history(self) -> list[dict[str, Any]]:
        """Every move of `live`, oldest first, as plain values (core/aliases.py, Entry)."""
        moves = (one for one in self.aliases.entries() if one.alias == LIVE and one.move != "refuse")
        return [asdict(one) for one in moves]

    def promote(
        self, label: str, why: str, move: Move = "promote", run: str = "", over: Standing | None = None
    ) -> Entry:
        """Makes `label` live from now on, without asking the gate (jobs/promoting.py); durable when it returns.

        BadInput for an unknown label; Corrupt when the history was tampered with; PalateError when another version
        became live since `over`.
        """
        return self.aliases.promote(self.get(label).label, why, move, run, over)

    def propose(self, label: str, why: str) -> Entry:
        """Makes `label` next, the one that may become live; BadInput for an unknown label."""
        return self.aliases.propose(self.get(label).label, why)

    def rollback(self, why: str) -> Entry:
        """Undoes the latest promotion that stands; versions whose folder is gone are passed over.

        BadInput when there is nothing to go back to.
        """
        present = {space.label for space in self.versions()}
        return self.aliases.rollback(why, present.__contains__)
