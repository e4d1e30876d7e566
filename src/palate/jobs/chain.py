"""`palate train` as Luigi tasks: snapshot -> items, company, encoder, ranker, index -> publish.

Each task writes its target atomically under home/jobs/<fingerprint>/ (runs.py), so a killed run goes on where it was,
a finished one is not repeated, and the result is that of an undisturbed run.
"""

import logging
import shutil
import sys
import time
import warnings
from collections.abc import Iterator
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from palate.catalog.catalog import Catalog
from palate.catalog.kept import FILE as PLAYLISTS
from palate.catalog.kept import KeptPlaylists
from palate.core import recording
from palate.core.artefacts import atomic_file, read_json, write_json
from palate.core.errors import BadInput, PalateError
from palate.core.home import Home
from palate.core.progress import progress
from palate.embeddings.bulk import build_columns
from palate.embeddings.company import Company, fit_company
from palate.embeddings.foundation import Foundation, factor_settings, fit_factors, fit_foundation, fit_lesson
from palate.embeddings.inputs import Inputs, is_simulated
from palate.embeddings.items import ItemModel
from palate.embeddings.space import FOLD_IN, Space, Spaces
from palate.embeddings.states import packed_states
from palate.embeddings.teacher import Lesson
from palate.fresh.archive import copy_of
from palate.fresh.engine import embedded, open_store
from palate.jobs.crowding import crowds_at
from palate.jobs.fit import encoded, fit_ranker, some_tastes, stock_at
from palate.jobs.inputs import gather, moment_of, simulated
from palate.jobs.kept import kept
from palate.jobs.promoting import after_training
from palate.jobs.rotating import plays_of, rotated_onto_live
from palate.jobs.runs import Run, name_run, one_at_a_time, read_run
from palate.listening.deleted import DeletedUsers
from palate.listening.log import ListeningLog
from palate.ranking.ranker import Ranker
from palate.retrieval.crowds import FILE as CROWDS
from palate.retrieval.trends import Trends
from palate.store.items import ItemStore

with warnings.catch_warnings():  # it announces a change in a part that is not used here
    warnings.filterwarnings("ignore", r"\s*Autoloading range tasks", DeprecationWarning)
    import luigi

KEPT_RUNS = 3


class Step(luigi.Task):
    """One task of a run; its target is one file under the run's folder, which holds run.json."""

    folder = luigi.Parameter()
    target = ""
    failures: ClassVar[list[BaseException]] = []  # of the last build; Luigi tells of them through an event only

    @cached_property
    def run_(self) -> Run:
        return read_run(Path(self.folder))

    def output(self) -> Any:
        return luigi.LocalTarget(str(Path(self.folder) / self.target))

    @property
    def path(self) -> Path:
        return Path(self.output().path)

    def needs(self, *steps: type["Step"]) -> list["Step"]:
        return [step(folder=self.folder) for step in steps]


class Snapshot(Step):
    """Takes the inputs from the home."""

    target = "inputs/done.json"

    def run(self) -> None:
        run = self.run_
        inputs = gather(run.home, run.offset, run.until)
        if run.until is not None:
            if not len(inputs.history) and run.offset:
                raise BadInput(f"no listen in {run.home.root} is before --until; give a later time")
            gather(run.home, run.offset).save(run.everything)
        inputs.save(run.snapshot)
        write_json(self.path, {"offset": run.offset, "moment": moment_of(run.home, inputs, run.until)})


class Factors(Step):
    """The factorizations that the teacher averages."""

    target = "factors.npy"

    def requires(self) -> list[Step]:
        return self.needs(Snapshot)

    def run(self) -> None:
        models = fit_factors(self.run_.inputs(), self.run_.settings.foundation)
        with atomic_file(self.path) as temporary, temporary.open("wb") as file:
            np.save(file, np.stack([model.vectors for model in models]), allow_pickle=False)

    @classmethod
    def load(cls, run: Run) -> list[ItemModel]:
        """What `run` wrote."""
        settings = factor_settings(run.settings.items)
        return [ItemModel(vectors, settings) for vectors in np.load(run.folder / cls.target)]


class CompanyTable(Step):
    """Who is heard together."""

    target = "company.npz"

    def requires(self) -> list[Step]:
        return self.needs(Snapshot)

    def run(self) -> None:
        inputs = self.run_.inputs()
        fit_company(inputs.history, inputs.playlists).save(self.path)


class TeacherLists(Step):
    """What the teacher says of many situations."""

    target = "lesson.npz"

    def requires(self) -> list[Step]:
        return self.needs(Factors, CompanyTable)

    def run(self) -> None:
        run, company = self.run_, Company.load(self.run_.folder / CompanyTable.target)
        fit_lesson(run.inputs(), Factors.load(run), company, run.settings.foundation).save(self.path)


class SpaceVectors(Step):
    """Item vectors and the user encoder; an interrupted training goes on after its last whole epoch."""

    target = "foundation.npz"

    def requires(self) -> list[Step]:
        return self.needs(TeacherLists) if self.run_.fits & {"items", "users"} else self.needs(Snapshot)

    def run(self) -> None:
        run = self.run_
        if not run.fits & {"items", "users"}:
            self._reused().save(self.path)
            return
        frozen = None if "items" in run.fits else self._reused()
        lesson, checkpoints = Lesson.load(run.folder / TeacherLists.target), run.folder / "checkpoints"
        settings = run.settings.foundation
        fit_foundation(run.inputs(), Factors.load(run), lesson, settings, checkpoints, frozen).save(self.path)
        shutil.rmtree(checkpoints, ignore_errors=True)

    def _reused(self) -> Foundation:
        """The vectors of the space that gives the parts which are not fitted, with zeros for items of later."""
        space, n_items = self.run_.reused(), self.run_.inputs().history.n_items
        listened, vectors = (padded(np.array(side), n_items, 0) for side in (space.listened, space.item_vectors))
        return Foundation(listened, vectors, space.encoder, space.fold_in and space.fold_in.padded(n_items))


class RankerTrees(Step):
    """The ranker, trained on past weeks with item vectors of its own."""

    target = "ranker.txt"

    def requires(self) -> list[Step]:
        return self.needs(Snapshot)

    def run(self) -> None:
        run = self.run_
        if "ranker" not in run.fits:
            return Ranker.load(run.reused().folder / "ranker.txt").save(self.path)
        if not run.fits & {"items", "users"} and run.reused().fold_in is None:
            raise BadInput(f"{run.reused().label} lacks what a ranker reads today; run `palate train` without --only")
        return fit_ranker(run.inputs(), run.settings).save(self.path)


class Published(Step):
    """The space in its folder, the listeners' states and items online, the alias moved."""

    target = "published.json"

    def requires(self) -> list[Step]:
        return self.needs(SpaceVectors, CompanyTable, RankerTrees)

    def run(self) -> None:
        run, spaces = self.run_, Spaces(self.run_.home.spaces)
        done = [space for space in spaces.versions() if space.manifest.get("fingerprint") == run.fingerprint]
        space = done[-1] if done else _publish(run, spaces)
        items = progress(Catalog.open(run.home.catalog).items(), "items online")
        ItemStore.write(run.home.online / "items", items, Trends.load(space.folder / "trends.npz").ever)
        with open_store(run.home) as store:
            states = _states(Inputs.load(run.everything), space)
            deleted = DeletedUsers.of(run.home)  # who left since the snapshot was taken
            _keep_playlists(run, deleted)
            there = ((user, state) for user, state in states if not deleted.among([user]))
            offsets = run.offset if embedded(run.home) or run.streamed is None else run.streamed
            store.replace(space.label, there, offsets)
        write_json(self.path, {"space": space.label})


def _keep_playlists(run: Run, deleted: DeletedUsers) -> None:
    """What each playlist holds now, for a server; without those of who left."""
    kept = KeptPlaylists.of(Inputs.load(run.everything).playlists)
    owners = [owner for owner in kept.owners if owner is not None]
    kept.without(deleted.among(owners)).save(run.home.online / PLAYLISTS)


def _drop_superseded(home: Home, trained: str) -> None:
    """Keeps the listeners' records of what is live or next, of what a rollback returns to at once, and of `trained`.

    An older space that is promoted again starts from no records, so all of the log is folded into it (fresh/fold.py).
    """
    kept_labels = {*Spaces(home.spaces).in_use, trained}
    with open_store(home) as store:
        for label in store.spaces():
            if label not in kept_labels:
                store.drop(label)


def _publish(run: Run, spaces: Spaces) -> Space:
    """Puts the run's files into a new version's folder."""
    inputs, moment = run.inputs(), run.moment
    found, label = Foundation.load(run.folder / SpaceVectors.target), spaces.aliases.standing().live
    live = next((space for space in spaces.versions() if space.label == label), None)  # its folder may have been lost
    turned = rotated_onto_live(found.vectors, found.encoder, live, plays_of(inputs.history))
    encoder = turned.encoder
    found = replace(found, vectors=turned.item_vectors, encoder=encoder)
    company = Company.load(run.folder / CompanyTable.target)
    tastes = some_tastes(inputs, found)
    stock = stock_at(inputs, found, company, moment, run.settings, spaces.next_label(), tastes)

    def fill(folder: Path) -> None:
        for name, side in (("item_vectors.npy", stock.vectors), ("listened.npy", stock.listened)):
            with (folder / name).open("wb") as file:
                np.save(file, side, allow_pickle=False)
        encoder.save(folder / "encoder.npz")
        if found.fold_in is not None:
            found.fold_in.save(folder / FOLD_IN)
        for name in (CompanyTable.target, RankerTrees.target):
            shutil.copyfile(run.folder / name, folder / name)
        inputs.columns.save(folder / "columns.npz")
        stock.trends.save(folder / "trends.npz")
        stock.index.save(folder / "index")
        crowds_at(inputs, encoder, stock, moment, run.settings.items.seed).save(folder / CROWDS)

    manifest = {
        "fingerprint": run.fingerprint, "base": run.base, "moment": moment, "until": run.until,
        "listens": len(inputs.history), "items": inputs.history.n_items, "dim": encoder.dim, "habits": encoder.habits,
        "settings": asdict(run.settings), "simulated": is_simulated(inputs),
    } | turned.manifest  # fmt: skip
    return spaces.publish(manifest, fill)


def _states(inputs: Inputs, space: Space) -> Iterator[tuple[str, bytes]]:
    """Every listener's id and packed state."""
    users, listened = inputs.history.users, np.array(space.listened)
    history = inputs.history.take(inputs.history.item < len(listened))
    blocks = encoded(build_columns(history, listened, inputs.columns.kind), space.encoder, inputs.listeners)
    states = (
        (users[row], state)
        for rows, tastes, records in blocks
        for row, state in zip(rows.tolist(), packed_states(tastes, records), strict=True)
    )
    return progress(states, "listeners online", len(users))


def padded(array: NDArray[Any], rows: int, value: float) -> NDArray[Any]:
    """The array with rows of `value` added up to `rows`."""
    missing = max(rows - len(array), 0)
    return np.concatenate([array, np.full((missing, *array.shape[1:]), value, array.dtype)])


def train(home: Home, until: float | None = None, only: str | None = None) -> tuple[Space, bool]:
    """Trains and publishes, and promotes as [promotion] says; gives the space and whether anything had to be done.

    until: learn only from listens before this moment (unix seconds). Raises PalateError with the failed step's cause.
    """
    with one_at_a_time(home.require()):
        copy_of(home)
        run = name_run(home, until, only)
        target = run.folder / Published.target
        worked = not target.is_file()
        if worked:
            _build_kept(run, target)
            _forget_old_runs(home, run)
        spaces = Spaces(home.spaces)
        space, before = spaces.get(read_json(target)["space"]), spaces.aliases.standing().live
        said = after_training(home, space.label, run.fingerprint)
        if said:
            print(f"note: {said}", file=sys.stderr)
        if worked:
            _drop_superseded(home, space.label)
        _note_pause(home)
    return space, worked or spaces.aliases.standing().live != before


def _build_kept(run: Run, target: Path) -> None:
    """Builds, as a run of the lab; an interrupted one of the same inputs goes on."""
    told = {"until": run.until, "only": run.only, "base": run.base}
    config = asdict(run.settings) | {name: value for name, value in told.items() if value is not None}
    about = {"data": run.data, "offset": run.offset, "seed": run.settings.items.seed, "simulated": simulated(run.home)}
    with kept(run.home, "train", config=config, about=about, key=run.fingerprint):
        _build(run)
        space = Spaces(run.home.spaces).get(read_json(target)["space"])
        recording.log({"space": recording.Model(space.folder, space.label)})
        names = ("listens", "items", "dim")
        recording.summarize({"space": space.label} | {name: space.manifest[name] for name in names})


def _build(run: Run) -> None:
    run.write_down()
    Step.failures.clear()
    logging.getLogger("luigi").setLevel(logging.CRITICAL)
    logging.getLogger("luigi-interface").setLevel(logging.CRITICAL)
    done = luigi.build([Published(folder=str(run.folder))], local_scheduler=True, log_level="CRITICAL")
    if Step.failures:
        error = Step.failures[0]
        if isinstance(error, PalateError):
            raise error
        raise PalateError(f"training failed: {error!r}; what was done is kept, run again") from error
    if not done:
        raise PalateError(f"training did not finish; its steps are in {run.folder}, run again to go on")


@Step.event_handler(luigi.Event.FAILURE)  # type: ignore[untyped-decorator]
def _note_failure(_: Step, error: BaseException) -> None:
    Step.failures.append(error)


@Step.event_handler(luigi.Event.PROCESSING_TIME)  # type: ignore[untyped-decorator]
def _note_time(step: Step, seconds: float) -> None:
    recording.summarize({f"seconds.{type(step).__name__.lower()}": seconds})


def _note_pause(home: Home) -> None:
    """If the log ended long ago, the time since is a pause of this home (core/clock.py)."""
    with ListeningLog(home.log) as log:
        last, now = log.last_time, time.time()
        if last is not None and now > last + 1.0:
            log.add_pause(last + 1.0, now)


def _forget_old_runs(home: Home, run: Run) -> None:
    others = sorted((p for p in home.jobs.iterdir() if p.is_dir() and p != run.folder), key=lambda p: p.stat().st_mtime)
    for folder in others[: max(len(others) - KEPT_RUNS + 1, 0)]:
        shutil.rmtree(folder, ignore_errors=True)
