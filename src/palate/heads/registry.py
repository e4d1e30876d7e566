"""The heads of a home: versions as folders that never change, which of them is live, and on which space it stands.

A version is `heads/NAME@3`, written beside and renamed once. Which one answers is an alias with a history that is only
added to, `heads/NAME.jsonl` (core/aliases.py). The live version pins its space as the consumer `head.NAME`, so that
space is kept, and its listeners' tastes kept fresh, until the head moves on.
"""

import hashlib
import re
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import palate
from palate.core.aliases import AliasHistory, Entry, Standing
from palate.core.artefacts import atomic_folder, read_json, write_json
from palate.core.errors import BadInput, Corrupt, PalateError
from palate.core.home import Home
from palate.core.locks import alone
from palate.embeddings.space import Space, Spaces
from palate.heads.fitted import Fitted

FORMAT = 1
NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")
LABEL = re.compile(rf"({NAME.pattern})@([1-9][0-9]{{0,8}})")

How = Literal["live", "pinned", "turned", "off"]


@dataclass(frozen=True)
class Ground:
    """What a head stands on at this moment.

    how    live: its space is the live one; pinned: its space is kept beside; turned: the live space was turned onto its
           own, and it was declared aligned; off: none of these, and `note` says so in one sentence
    space  label of the version whose vectors it reads; None when off
    """

    how: How
    space: str | None
    note: str | None = None


@dataclass(frozen=True)
class Heads:
    """All heads of a home. Making it touches nothing."""

    home: Home

    def names(self) -> list[str]:
        """The heads that have a version or a history, ascending."""
        found = {one[0] for one in self._labels()} | {
            path.stem for path in self.home.heads.glob("*.jsonl") if NAME.fullmatch(path.stem)
        }
        return sorted(found)

    def versions(self, name: str) -> list[str]:
        """Labels of the versions of one head, oldest first."""
        return [f"{name}@{number}" for number in sorted(number for one, number in self._labels() if one == name)]

    def aliases(self, name: str) -> AliasHistory:
        """Every decision about one head; BadInput for a name that cannot be one."""
        return AliasHistory(self.home.heads / f"{_checked(name)}.jsonl")

    def live(self, name: str) -> str | None:
        """The label that answers; None when none was promoted, or the one that was is retired."""
        standing = self.aliases(name).standing()
        return None if standing.live in standing.retired else standing.live

    def manifest(self, label: str) -> dict[str, Any]:
        """What a version says of itself; BadInput for an unknown label, Corrupt for a damaged manifest."""
        folder = self._folder(label)
        path = folder / "manifest.json"
        manifest = read_json(path) if path.is_file() else {}
        if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
            raise Corrupt(f"{path} is missing or of another format than {FORMAT}; roll the head back or register again")
        return manifest

    def load(self, label: str) -> tuple[Fitted, dict[str, Any]]:
        """The version and its manifest, every file compared with its hash; BadInput, or Corrupt naming the file."""
        folder, manifest = self._folder(label), self.manifest(label)
        files = manifest.get("files")
        for name, expected in (files if isinstance(files, dict) else {"manifest.json": ""}).items():
            if not (folder / name).is_file() or _hash(folder / name) != expected:
                raise Corrupt(f"{folder / name} is not what was registered; roll the head back or register it again")
        return Fitted.load(folder, manifest), manifest

    def publish(self, name: str, fitted: Fitted, told: Mapping[str, Any]) -> str:
        """Writes the next version of a head and gives its label; no alias moves. A label is not given twice."""
        _checked(name)
        self.home.require()
        with alone(self.home.heads / ".lock"):
            known = self.versions(name) + [entry.space for entry in self.aliases(name).entries()]
            number = 1 + max((int(found[2]) for label in known if (found := LABEL.fullmatch(label))), default=0)
            label = f"{name}@{number}"
            with atomic_folder(self.home.heads / label) as folder:
                fitted.save(folder)
                files = {path.name: _hash(path) for path in sorted(folder.iterdir())}
                stamp = {
                    "head": label, "format": FORMAT, "created": time.time(), "palate": palate.__version__,
                    "files": files,
                }  # fmt: skip
                write_json(folder / "manifest.json", {**told, **fitted.told, **stamp})
        return label

    def propose(self, label: str, why: str) -> Entry:
        """Makes a version next; BadInput for an unknown one."""
        self._folder(label)
        return self.aliases(_name(label)).propose(label, why)

    def promote(self, label: str, why: str) -> Entry:
        """Makes a version live and pins its space, after every file was checked; durable when it returns.

        BadInput for an unknown label, or when the head would be off; Corrupt when it is damaged.
        """
        _, manifest = self.load(label)
        ground = ground_of(label, manifest, Spaces(self.home.spaces), pinning=True)
        if ground.how == "off":
            raise BadInput(f"{ground.note}")
        self._pin(label, manifest, why)  # first: a live head whose space may go is worse than a pin too many
        return self.aliases(_name(label)).promote(label, why)

    def rollback(self, name: str, why: str) -> Entry:
        """Undoes the latest promotion that stands, passing over versions that are gone, damaged or off; moves the pin.

        BadInput when nothing is left to go back to.
        """
        entry = self.aliases(name).rollback(why, self._usable)
        self._pin(entry.space, self.manifest(entry.space), why)
        return entry

    def retire(self, label: str, why: str, force: bool = False) -> Entry:
        """Removes a version's folder for good; its label is not given again. Of the live one it also ends the pin.

        BadInput for an unknown label and, unless `force`, for one that is live, next, or where a rollback goes.
        """
        folder, name = self._folder(label), _name(label)
        if force and not why:
            raise BadInput(f"retiring {label} by force needs a reason; say it with --why TEXT")

        def allow(now: Standing) -> None:
            uses = [word for word, one in (("live", now.live), ("next", now.next)) if one == label]
            uses += ["where a rollback goes"] if now.previous == label else []
            if uses and not force:
                raise BadInput(f"{label} is {' and '.join(uses)}; retire it all the same with --force --why TEXT")

        was_live = self.live(name) == label
        entry = self.aliases(name).retire(label, why, allow)
        leaving = folder.with_name(f".{label}.retired")
        shutil.rmtree(leaving, ignore_errors=True)
        folder.rename(leaving)
        shutil.rmtree(leaving, ignore_errors=True)
        if was_live:
            self._unpin(name, why)
        return entry

    def _pin(self, label: str, manifest: Mapping[str, Any], why: str) -> None:
        """The space of what is live by now is kept for it; where that space is gone, nothing is."""
        spaces, consumer, space = Spaces(self.home.spaces), consumer_of(_name(label)), str(manifest["space"])
        if space not in _present(spaces):
            self._unpin(_name(label), why)
        elif dict(spaces.aliases.standing().pins).get(consumer) != space:
            spaces.pin(consumer, space, f"{label}: {why}")

    def _unpin(self, name: str, why: str) -> None:
        spaces, consumer = Spaces(self.home.spaces), consumer_of(name)
        if consumer in dict(spaces.aliases.standing().pins):
            spaces.unpin(consumer, why)

    def _usable(self, label: str) -> bool:
        """Whether a version could answer."""
        try:
            _, manifest = self.load(label)
        except PalateError:
            return False
        return ground_of(label, manifest, Spaces(self.home.spaces), pinning=True).how != "off"

    def _labels(self) -> list[tuple[str, int]]:
        found = (LABEL.fullmatch(path.name) for path in self.home.heads.glob("*@*") if path.is_dir())
        return [(one[1], int(one[2])) for one in found if one]

    def _folder(self, label: str) -> Path:
        folder = self.home.heads / label
        if not LABEL.fullmatch(label) or not folder.is_dir():
            known = [one for name in self.names() for one in self.versions(name)]
            raise BadInput(f"no head {label[:80]!r}; there are: {', '.join(known[:20]) or 'none yet, register one'}")
        return folder


def consumer_of(name: str) -> str:
    """By what name a head pins its space."""
    return f"head.{name}"


def ground_of(label: str, manifest: Mapping[str, Any], spaces: Spaces, pinning: bool = False) -> Ground:
    """What a head of this manifest can stand on now; `pinning`: its space counts as pinned if it is there."""
    own, live, present = str(manifest["space"]), spaces.aliases.standing().live, _present(spaces)
    if own in present and present[own].mark != manifest["space_mark"]:
        return Ground(
            "off", None, f"the head {label} is off: it was taught on the {own} of another home; train it here"
        )
    if own in present and own == live:
        return Ground("live", own)
    if own in present and (pinning or own in spaces.in_use):
        return Ground("pinned", own)
    aligned = bool(manifest.get("aligned"))
    width = int(manifest["dim"]), int(manifest["factors"])
    if aligned and live is not None and turned_onto(spaces, live, own, width):
        return Ground("turned", live, f"{label} was taught on {own}, which is gone; {live} was turned onto it")
    because = "was not turned onto it" if aligned else "is another one, and it was not registered as aligned"
    return Ground(
        "off", None, f"the head {label} is off: it was taught on {own}, which is not in use, and {live or 'no space'} "
        f"{because}; train and register it again",
    )  # fmt: skip


def turned_onto(spaces: Spaces, label: str, old: str, width: tuple[int, int]) -> bool:
    """Whether the version `label` was turned onto `old`, at once or over others still there, and is as wide.

    width # (coordinates, how many of them are factors) of `old`
    """
    by_label = _present(spaces)
    if label not in by_label or (by_label[label].encoder.dim, by_label[label].encoder.factors) != width:
        return False
    seen: set[str] = set()
    at: str | None = label
    while at is not None and at != old and at not in seen:
        seen.add(at)
        at = by_label[at].manifest.get("rotated_onto") if at in by_label else None
    return at == old


def _present(spaces: Spaces) -> dict[str, Space]:
    retired = spaces.aliases.standing().retired
    return {space.label: space for space in spaces.versions() if space.label not in retired}


def _name(label: str) -> str:
    return label.partition("@")[0]


def _checked(name: str) -> str:
    if not NAME.fullmatch(name):
        raise BadInput(
            f"{name[:80]!r} cannot name a head; use a to z, digits and -, beginning with a letter, at most 63"
        )
    return name


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()[:32]
