"""What exists in a home: data, jobs, models, spaces, surfaces, endpoints, experiments, and what reads what.

Owners come from palate.toml's [owners], whose keys are a name, a `kind:name` or a kind.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from palate.core.errors import PalateError
from palate.core.home import Home
from palate.core.settings import Settings, read_settings
from palate.embeddings.space import Space, Spaces
from palate.lab.book import Book, RunInfo
from palate.lab.inventory import Entry, Health
from palate.listening.log import ListeningLog
from palate.surfaces.registry import surfaces

DATA = {
    "items": "what can be heard",
    "playlists": "what is put together by hand",
}
# The files of a space that are models, what each is and what it is learnt from.
MODELS = {
    "item_vectors.npy": ("item vectors", "a vector for each item", ("data:listens", "data:playlists", "data:items")),
    "encoder.npz": ("user encoder", "from a listener's record to their taste", ("data:listens", "model:item vectors")),
    "company.npz": ("company", "who is heard together", ("data:listens", "data:playlists")),
    "ranker.txt": ("ranker", "the order of the candidates", ("data:listens", "model:item vectors", "model:company")),
    "index": ("index", "the nearest items of a vector", ("model:item vectors",)),
}
HEALTH_BY_STATE: dict[str, Health] = {
    "finished": "good",
    "running": "good",
    "failed": "bad",
    "interrupted": "stale",
}
# Which surface an endpoint answers from; the others read the space or the log themselves.
READ_BY_PATH = (
    ("/surfaces/", tuple(f"surface:{name}" for name in surfaces())),
    ("/similar", ("surface:similar",)),
    ("/events", ("data:listens",)),
    ("/listens", ("data:listens",)),
    ("/search", ("data:items",)),
    ("/v1/", ("space:live",)),
)


def inventory(home: Home, endpoints: Sequence[tuple[str, str]] = ()) -> list[Entry]:
    """Every entry, kind by kind. endpoints: (method and path, what it does) of the HTTP interface.

    Reads manifests and the book of runs, hashes nothing: files that were changed are found by `palate doctor`.
    """
    settings, runs = read_settings(home.require().settings), Book(home.lab).runs()
    live = _live(home)
    entries = [
        *_data(home),
        *_jobs(runs),
        *_models(live),
        *_spaces(home, live),
        *(Entry("surface", one.name, one.about, reads=("space:live", "data:items")) for one in surfaces().values()),
        *(Entry("endpoint", path, note, reads=_read_by(path)) for path, note in endpoints),
        *_experiments(settings),
        *_kept(home),
    ]
    owners = settings.texts("owners")
    return [_owned(_resolved(entry, live), owners) for entry in entries]


def _owned(entry: Entry, owners: dict[str, str]) -> Entry:
    for key in (f"{entry.kind}:{entry.name}", entry.name, entry.kind):
        if key in owners:
            return replace(entry, owner=owners[key])
    return entry


def _resolved(entry: Entry, live: Space | None) -> Entry:
    """The same entry, reading `space:taste@7` where it says `space:live`; nothing where no space is live."""
    label = f"space:{live.label}" if live is not None else None
    reads = (label if one == "space:live" else one for one in entry.reads)
    return replace(entry, reads=tuple(one for one in reads if one is not None))


def _live(home: Home) -> Space | None:
    try:
        return Spaces(home.spaces).live
    except PalateError:
        return None


def _data(home: Home) -> Iterator[Entry]:
    if home.log.is_file():
        with ListeningLog(home.log) as log:
            end, last = log.end_offset(), log.last_time
        yield Entry("data", "listens", f"{end:,} listens", "", f"offset {end}", last, "good", "the log can be read")
    for name, note in DATA.items():
        path = home.catalog / f"{name}.parquet"
        if path.is_file():
            yield Entry("data", name, note, updated=path.stat().st_mtime, health="good", why="the file is there")


def _jobs(runs: Sequence[RunInfo]) -> Iterator[Entry]:
    """Each kind of work, by its latest run; parts of a larger run are not looked at."""
    latest = {run.job: run for run in runs if not run.group}
    for job, run in sorted(latest.items()):
        health = HEALTH_BY_STATE[run.state]
        count = sum(1 for one in runs if one.job == job)
        why = f"the latest run {run.state}" + (f": {run.error}" if run.error else "")
        note, when = f"{count:,} {'run' if count == 1 else 'runs'}", run.ended or run.created
        yield Entry("job", job, note, "", run.id, when, health, why, _read_by_job(job))


def _read_by_job(job: str) -> tuple[str, ...]:
    return {
        "train": ("data:listens", "data:items", "data:playlists"),
        "profile": ("space:live",),
        "gate": ("space:live",),
    }.get(job, ("data:listens", "data:items"))


def _models(live: Space | None) -> Iterator[Entry]:
    if live is None:
        return
    for file, (name, note, reads) in MODELS.items():
        there = (live.folder / file).exists()
        why = "the file is there" if there else f"{file} is missing; roll back or train again"
        yield Entry("model", name, note, "", live.label, _created(live), "good" if there else "bad", why, reads)


def _spaces(home: Home, live: Space | None) -> Iterator[Entry]:
    with ListeningLog(home.log) as log:
        end = log.end_offset()
    for space in Spaces(home.spaces).versions():
        is_live = live is not None and space.label == live.label
        newer = max(end - int(space.manifest["listens"]), 0)
        stale = is_live and newer > 0.1 * max(end, 1)
        why = f"{newer:,} listens since it was trained" if is_live else "not live"
        health: Health = ("stale" if stale else "good") if is_live else "unknown"
        reads = tuple(f"model:{name}" for name, _, _ in MODELS.values()) if is_live else ()
        note = f"{'live, ' if is_live else ''}{space.manifest['items']:,} items, {space.manifest['dim']} dimensions"
        yield Entry("space", space.label, note, "", space.label, _created(space), health, why, (*reads, "job:train"))


def _created(space: Space) -> float:
    return float(space.manifest["created"])


def _read_by(path: str) -> tuple[str, ...]:
    return next((reads for part, reads in READ_BY_PATH if part in path), ())


def _experiments(settings: Settings) -> Iterator[Entry]:
    for name, told in settings.tables.get("experiments", {}).items():
        surface = str(told.get("surface", "for_you")) if isinstance(told, dict) else "for_you"
        yield Entry("experiment", name, f"on {surface}", reads=(f"surface:{surface}", "data:listens"))


def _kept(home: Home) -> Iterator[Entry]:
    """Sweeps, reports and listening tests, by what lies in their folders."""
    for path in _inside(home.lab / "sweeps"):
        yield Entry("sweep", path.name, "a search for better settings", updated=path.stat().st_mtime)
    for path in _inside(home.lab / "reports", ".md"):
        yield Entry("report", path.stem, "made from runs", updated=path.stat().st_mtime)
    for path in _inside(home.lab / "listening"):
        yield Entry("listening test", path.name, "what people prefer", updated=path.stat().st_mtime)


def _inside(folder: Path, suffix: str = "") -> list[Path]:
    found = sorted(folder.glob(f"*{suffix}")) if folder.is_dir() else []
    return [path for path in found if not path.name.startswith(".") and (bool(suffix) or path.is_dir())]
