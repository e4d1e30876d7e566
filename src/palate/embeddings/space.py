"""A space: one published version of everything that a vector needs to be compared with.

A folder `taste@7` with a manifest, the item vectors, the encoder and the company table; other rooms put their own
artefacts beside them (index, trends, ranker). It is written under another name and renamed once, and never changes
afterwards. Which version answers requests is an alias, kept in a history that is only added to (core/aliases.py).
"""

import hashlib
import re
import shutil
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
from palate.embeddings.fold_in import FoldIn

FORMAT = 1
NAME = "taste"
FOLD_IN = "fold_in.npz"


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
        """(items, dim) float32 by catalogue row, memory-mapped: what a taste is multiplied with."""
        return _mapped(self.folder / "item_vectors.npy")

    @cached_property
    def listened(self) -> NDArray[np.float32]:
        """(items, dim) float32 by catalogue row, memory-mapped: what a listener's record sums."""
        path = self.folder / "listened.npy"
        return _mapped(path) if path.is_file() else self.item_vectors  # spaces before 0.2 had one vector for both

    @cached_property
    def encoder(self) -> Encoder:
        return Encoder.load(self.folder / "encoder.npz")

    @cached_property
    def company(self) -> Company:
        return Company.load(self.folder / "company.npz")

    @property
    def mark(self) -> str:
        """The hash of the item vectors as published: another home's `taste@7` has the same label and another mark."""
        return str(self.manifest["files"]["item_vectors.npy"])

    @cached_property
    def fold_in(self) -> FoldIn | None:
        """What the ranker solves against; None in spaces that were made before there was one."""
        path = self.folder / FOLD_IN
        return FoldIn.load(path) if path.is_file() else None

    def verify(self) -> None:
        """Reads every file and compares its hash with the manifest; Corrupt names the file that differs."""
        for name, expected in self.manifest["files"].items():
            if not (self.folder / name).is_file() or _hash(self.folder / name) != expected:
                raise Corrupt(f"{self.folder / name} is not what was published; roll back or train again")


def _mapped(path: Path) -> NDArray[np.float32]:
    try:
        vectors: NDArray[np.float32] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise Corrupt(f"{path} cannot be read ({error}); roll back or train again") from error
    return vectors


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
        standing = self.aliases.standing()
        present = self._present(standing)
        return next((label for label in standing.earlier if label in present), None)

    def _present(self, standing: Standing) -> set[str]:
        """The versions that may be used: a retired one is not, even while its folder is being removed."""
        return {space.label for space in self.versions()} - standing.retired

    @property
    def previous(self) -> str:
        """The same; BadInput when there is none."""
        label = self.fallback
        if label is None:
            raise BadInput("there is no earlier live version to roll back to")
        return label

    @property
    def in_use(self) -> list[str]:
        """The labels that an alias or a consumer may ask for at once, live first: their records have to be kept."""
        standing = self.aliases.standing()
        asked = (standing.live, self.fallback, standing.next, *(label for _, label in standing.pins))
        return list(dict.fromkeys(one for one in asked if one is not None))

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
        return self.aliases.rollback(why, self._present(self.aliases.standing()).__contains__)

    def pin(self, consumer: str, label: str, why: str) -> Entry:
        """Keeps `label` for a consumer that relies on it, whatever is live; BadInput for an unknown label."""
        return self.aliases.pin(consumer, self.get(label).label, why)

    def unpin(self, consumer: str, why: str) -> Entry:
        """The consumer relies on no version any more; BadInput when it did not."""
        return self.aliases.unpin(consumer, why)

    def retire(self, label: str, why: str, force: bool = False) -> Entry:
        """Removes a version's folder for good; the line in the history is written first.

        BadInput for an unknown label and for the live one, and unless `force` for one that is next, previous or pinned.
        Killed in between, the folder is still there and retiring it again ends the work. Its listeners' records are
        elsewhere: jobs/retiring.py.
        """
        folder = self.get(label).folder

        def allow(now: Standing) -> None:
            if now.live == label:
                raise BadInput(f"{label} is live; promote another version or roll back first, then retire it")
            present = self._present(now)
            fallback = next((one for one in now.earlier if one in present), None)
            uses = ["it is next"] if now.next == label else []
            uses += ["a rollback goes to it"] if fallback == label else []
            uses += [f"{consumer} has pinned it" for consumer in now.pinned_by(label)]
            if uses and not force:
                raise BadInput(f"{label} is in use: {'; '.join(uses)}; retire it all the same with --force --why TEXT")

        entry = self.aliases.retire(label, why, allow)
        leaving = folder.with_name(f".{label}.retired")  # no version any more from one moment to the next
        shutil.rmtree(leaving, ignore_errors=True)
        folder.rename(leaving)
        shutil.rmtree(leaving, ignore_errors=True)
        return entry
