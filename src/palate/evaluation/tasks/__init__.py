"""The questions that methods are judged by, one file a kind; every list is ranked from the full catalogue."""

from palate.evaluation.tasks.hours import NextHours
from palate.evaluation.tasks.new_items import NewItems
from palate.evaluation.tasks.playlists import PlaylistContinuation
from palate.evaluation.tasks.questions import Questions, Task
from palate.evaluation.tasks.similar import SimilarItems
from palate.evaluation.tasks.week import ColdDiscover, ColdNext, Discover, Next


def standard_tasks() -> list[Task]:
    """All of them, in the order of the report."""
    return [
        Next(), Discover(), NextHours(), ColdNext(), ColdDiscover(), NewItems(), PlaylistContinuation(), SimilarItems(),
    ]  # fmt: skip


__all__ = ["Questions", "Task", "standard_tasks"]
