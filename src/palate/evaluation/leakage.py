"""Can anything from after the moment reach a method? The future is poisoned, and no answer may change.

`evaluate` hands a method only what was known before the moment. What it cannot see is what a method brought along:
vectors trained on the whole log, a table made beforehand, a catalogue with tomorrow's releases. So the methods are
built twice, from a home and from the same home with another future; whoever answers differently has seen it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from palate.catalog.columns import ItemColumns, Playlists
from palate.core.clock import DAY_SECONDS
from palate.core.listens import Event
from palate.embeddings.inputs import Inputs
from palate.evaluation.method import Method
from palate.evaluation.splits import EvalSettings, Split, Window, split
from palate.evaluation.tasks.questions import Questions, Task
from palate.listening.history import History

MOST_ASKED = 200  # questions a task
Build = Callable[[Inputs], Sequence[Method]]


@dataclass(frozen=True)
class Leak:
    """A method whose answers changed: in how many of `asked` questions of a task, and if the future is to blame.

    reproducible  True when the method answers the same twice on the same data, so that the change is a leak; False when
                  its training is random beyond its seed, which hides leaks and makes numbers unrepeatable
    """

    method: str
    task: str
    changed: int
    asked: int
    reproducible: bool

    def __str__(self) -> str:
        if self.reproducible:
            cause = "changed when only the future changed: it has seen listens from after the moment"
        else:
            cause = "differ between two trainings on the same data: give it a seed"
        return f"{self.method}: {self.changed} of {self.asked} answers to {self.task} {cause}"


def leaks(build: Build, inputs: Inputs, window: Window, settings: EvalSettings, tasks: Sequence[Task]) -> list[Leak]:
    """What changes in the answers of the methods that `build` makes when everything from `window.at` on is another.

    Empty when nothing does. Each method is trained twice, on what was known before the window; a third time when its
    answers differ.
    """
    part = split(inputs, window)
    poison = poisoned(inputs, window.at)
    found = []
    pairs = zip(build(inputs), build(poison), strict=True)
    other = split(poison, window)
    for clean, dirty in pairs:
        first, second = clean.fit(part.known, window.at), dirty.fit(other.known, window.at)
        for task in tasks:
            asked = _some(task.questions(part, settings))
            if not len(asked) or not task.able(first):
                continue
            n = settings.k[-1]
            before = task.answers(first, part, asked, n)
            after = task.answers(second, _answering(part, other), asked, n)
            changed = int((before != after).any(axis=1).sum())
            if changed:
                again = task.answers(clean.fit(part.known, window.at), part, asked, n)
                same = bool((before == again).all())
                found.append(Leak(clean.name, task.name, changed, len(asked), same))
    return found


def _answering(part: Split, other: Split) -> Split:
    """The poisoned split, with the true state of listeners at the moments when they are asked within the window."""
    return replace(other, following=part.following, added=part.added)


def _some(asked: Questions) -> Questions:
    """The first MOST_ASKED questions."""
    n = min(len(asked), MOST_ASKED)
    return Questions(asked.rows[:n], asked.indptr[: n + 1], asked.items[: asked.indptr[n]])


def poisoned(inputs: Inputs, moment: float) -> Inputs:
    """The same until `moment`; what is dated later is another: listens, places on playlists, what is to come out."""
    return replace(
        inputs,
        history=_other_listens(inputs.history, moment),
        playlists=_other_places(inputs.playlists, moment, inputs.history.n_items),
        columns=_other_items(inputs.columns, inputs, moment),
    )


def _other_listens(history: History, moment: float) -> History:
    """By somebody else, of another item, of another kind, an hour later; every other one is gone."""
    future = history.timestamp >= moment
    kept = ~future | (np.cumsum(future) % 2 == 1)
    users = max(len(history.users), 1)
    changed = replace(
        history,
        user=np.where(future, (history.user * 7 + 3) % users, history.user).astype(np.int32),
        item=np.where(future, history.n_items - 1 - history.item, history.item).astype(np.int32),
        event=np.where(future & (history.event == Event.PLAY), Event.SAVE, history.event).astype(np.uint8),
        seconds_played=np.where(future, 1.0, history.seconds_played).astype(np.float32),
        timestamp=np.where(future, history.timestamp + 3_600.0, history.timestamp),
        session=np.where(future, -1 - history.user.astype(np.int64), history.session),
    )
    return changed.take(np.flatnonzero(kept))


def _other_places(playlists: Playlists, moment: float, n_items: int) -> Playlists:
    future = playlists.added >= moment
    item = np.where(future & (playlists.item >= 0), n_items - 1 - playlists.item, playlists.item)
    removed = np.where(playlists.removed >= moment, playlists.removed + DAY_SECONDS, playlists.removed)
    return replace(playlists, item=item.astype(np.int32), removed=removed)


def _other_items(columns: ItemColumns, inputs: Inputs, moment: float) -> ItemColumns:
    """What was not known yet gets another artist, genre and date."""
    unknown = ~inputs.until(moment).columns.available & inputs.columns.available

    def changed(codes: NDArray[np.int32], names: list[str]) -> NDArray[np.int32]:
        return np.where(unknown & (codes >= 0), (codes + 1) % max(len(names), 1), codes).astype(np.int32)

    return replace(
        columns,
        artist=changed(columns.artist, columns.artists),
        genre=changed(columns.genre, columns.genres),
        released=np.where(unknown & (columns.released >= moment), columns.released + DAY_SECONDS, columns.released),
    )
