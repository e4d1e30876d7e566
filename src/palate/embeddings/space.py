"""A space: one published version of everything that a vector needs to be compared with.

A folder `taste@7` with a manifest, the item vectors, the encoder and the company table; other rooms put their own
artefacts beside them (index, trends, ranker). It is written under another name and renamed once, and never changes
afterwards. Which version answers requests is an alias: `aliases.jsonl` is append-only, so every promotion and rollback
stays on record.
"""

import hashlib
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate.core.artefacts import atomic_file, atomic_folder, read_json, write_json
from palate.core.errors import BadInput, Corrupt, NotTrained
from palate.embeddings.company import Company
from palate.embeddings.encoder import Encoder

FORMAT = 1
NAME = "taste"
LIVE = "live"


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
        labels = [space.label for space in self.versions()] + [str(entry["space"]) for entry in self.history()]
        return f"{NAME}@{max((int(label.split('@')[1]) for label in labels), default=0) + 1}"

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
    def live(self) -> Space:
        """The version that answers requests; NotTrained when nothing was promoted yet."""
        history = self.history()
        if not history:
            raise NotTrained(f"{self.folder.parent} has no trained space yet; run `palate train`")
        return self.get(history[-1]["space"])

    def history(self) -> list[dict[str, Any]]:
        """Every promotion and rollback, oldest first: time, alias, space, why. A torn last line is left out."""
        path = self.folder / "aliases.jsonl"
        lines = path.read_text(encoding="utf-8").split("\n") if path.is_file() else []
        try:
            return [json.loads(line) for line in lines[:-1]]  # what follows the last newline was never finished
        except ValueError as error:
            raise Corrupt(f"{path} is damaged ({error}); restore it or delete it and train again") from error

    def promote(self, label: str, why: str) -> None:
        """Makes `label` live from now on; durable when it returns."""
        space, path = self.get(label), self.folder / "aliases.jsonl"
        entry = {"time": time.time(), "alias": LIVE, "space": space.label, "why": why}
        before = path.read_bytes() if path.is_file() else b""
        with atomic_file(path) as temporary:
            temporary.write_bytes(before[: before.rfind(b"\n") + 1] + json.dumps(entry).encode() + b"\n")

    @property
    def previous(self) -> str:
        """The label that was live before the present one; BadInput when there was none."""
        labels = [str(entry["space"]) for entry in self.history()]
        earlier = [label for label in labels if label != labels[-1]]
        if not earlier:
            raise BadInput("there is no earlier live space to roll back to")
        return earlier[-1]
