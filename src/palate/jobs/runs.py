"""One training run: what it reads, what it fits, and the name that follows from both.

The name is a fingerprint of everything that a run reads: the log up to an offset, the catalogue, the playlists, the
attributes of listeners, the settings, the moment. The same inputs have the same name, so a run that was done is found,
and a killed one goes on.
"""

import hashlib
import json
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from palate.core.artefacts import read_arrays, read_json, write_json
from palate.core.errors import BadInput, PalateError
from palate.core.home import Home
from palate.core.locks import alone
from palate.core.settings import read_settings
from palate.embeddings.inputs import Inputs
from palate.embeddings.space import Space, Spaces
from palate.jobs.fit import FitSettings
from palate.jobs.inputs import settle
from palate.listening.log import ListeningLog

CHAIN_VERSION = 8  # raise it when a fit changes its results, so that old runs are not taken for new ones
PARTS = ("items", "users", "ranker")


@dataclass(frozen=True)
class Run:
    """One training run of one home: where its targets are, and what it reads."""

    home: Home
    settings: FitSettings
    until: float | None  # unix seconds; None for everything
    only: str | None  # one of PARTS: refit this, take the rest from `base`
    base: str | None  # label of the space whose parts are reused; None without `only`
    offset: int  # the last listen that it reads
    fingerprint: str
    streamed: tuple[int, ...] | None = None  # how far into a Redis log's streams that is; None for a run of long ago
    data: str = (
        ""  # hash of the log up to `offset`, the catalogue, the playlists and, if they are learnt from, listeners
    )

    @property
    def folder(self) -> Path:
        return self.home.jobs / self.fingerprint

    @property
    def fits(self) -> set[str]:
        """What is fitted anew. New item vectors need a new encoder."""
        return {None: {"items", "users", "ranker"}, "items": {"items", "users"}}.get(self.only, {str(self.only)})

    @property
    def snapshot(self) -> Path:
        """What models may learn from: the inputs before `until`, and once they are whole, done.json."""
        return self.folder / "inputs"

    @property
    def everything(self) -> Path:
        """The inputs that listeners' records are made of, later ones included."""
        return self.snapshot if self.until is None else self.folder / "everything"

    @property
    def moment(self) -> float:
        """The home time that the run trains for: `until`, or just after the last listen."""
        return float(read_json(self.snapshot / "done.json")["moment"])

    def inputs(self) -> Inputs:
        """The snapshot's inputs."""
        return Inputs.load(self.snapshot)

    def reused(self) -> Space:
        """The space that gives the parts that are not fitted."""
        return Spaces(self.home.spaces).get(str(self.base))

    def write_down(self) -> None:
        """Keeps what `read_run` needs in the run's folder."""
        names = ("until", "only", "base", "offset", "streamed", "data")
        told = {name: getattr(self, name) for name in names} | {"settings": asdict(self.settings)}
        write_json(self.folder / "run.json", told)


def name_run(home: Home, until: float | None, only: str | None) -> Run:
    """Looks at what there is to train on and names the run; writes stubs of unknown items, nothing else."""
    if only is not None and only not in PARTS:
        raise BadInput(f"--only {only!r} is not a part; choose from {', '.join(PARTS)}")
    settings = FitSettings.read(read_settings(home.require().settings))
    with ListeningLog(home.log) as log:
        (offset, streamed), last = log.archived(), log.last_time or 0.0
        pauses = [pause for pause in log.mend_pauses().pauses if pause[0] < last]  # a later one changes nothing learnt
    settle(home)  # after the offset was read, so that every listen up to it has a row
    files = {name: _digest(home.catalog / name) for name in ("items.parquet", "playlists.parquet")}
    if settings.users.statics:
        files["listeners"] = _attributes_digest(home.listeners)
    data = {"offset": offset, "pauses": pauses, "files": files}
    seen = {"version": CHAIN_VERSION, "until": until, "settings": asdict(settings)} | data
    base, fingerprint = _based(seen, only, Spaces(home.spaces))
    return Run(home, settings, until, only, base, offset, fingerprint, streamed, _fingerprint(data | {"last": last}))


def _based(seen: dict[str, Any], only: str | None, spaces: Spaces) -> tuple[str | None, str]:
    """The base and the fingerprint: based on the live space, unless that is itself what this run made."""
    if only is None:
        return None, _fingerprint(seen)
    live = spaces.live
    base = live.manifest.get("base")
    if base is not None and _fingerprint(seen | {"only": [only, base]}) == live.manifest["fingerprint"]:
        return base, live.manifest["fingerprint"]
    return live.label, _fingerprint(seen | {"only": [only, live.label]})


def read_run(folder: Path) -> Run:
    """The run that was written down in `folder`, in the home that the folder lies in now."""
    told = read_json(folder / "run.json")
    settings = FitSettings.of(told["settings"])
    named = {name: told[name] for name in ("until", "only", "base", "offset")} | {"data": told.get("data", "")}
    if told.get("streamed") is not None:
        named["streamed"] = tuple(told["streamed"])
    return Run(home=Home(folder.parents[1]), settings=settings, fingerprint=folder.name, **named)


def one_at_a_time(home: Home) -> AbstractContextManager[None]:
    """Two runs of one home would write the same files; PalateError when another process trains."""
    busy = f"another `palate train` works on {home.root}; wait until it ends, then try again"
    return alone(home.jobs / ".lock", PalateError(busy))


def _fingerprint(seen: dict[str, Any]) -> str:
    return hashlib.blake2b(json.dumps(seen, sort_keys=True).encode(), digest_size=8).hexdigest()


def _attributes_digest(path: Path) -> str | None:
    """Of what the table of listeners says: its file differs after every save, since it holds the time."""
    if not path.is_file():
        return None
    arrays = read_arrays(path)
    return hashlib.blake2b(b"".join(arrays[name].tobytes() for name in sorted(arrays)), digest_size=16).hexdigest()


def _digest(path: Path) -> str | None:
    if not path.is_file():
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()[:32]
