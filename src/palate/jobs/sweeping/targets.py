"""What can be swept. Another part of the house adds a Target here: what is searched, and how a trial is judged."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from palate.core.errors import BadInput
from palate.core.home import Home
from palate.embeddings.encoder import UserSettings
from palate.embeddings.items import ItemSettings
from palate.embeddings.teacher import TeacherSettings
from palate.jobs.judge.ours import ForYou, Taste
from palate.jobs.sweeping import windows
from palate.jobs.sweeping.models import path_on_shared_examples, taste_on_shared_items, whole_path, whole_taste
from palate.jobs.sweeping.windows import Answers, Way, WindowJudge
from palate.lab.sweeps.space import Value
from palate.lab.sweeps.spec import Sweep
from palate.lab.sweeps.trial import Mark
from palate.ranking.ranker import RankerSettings


class Judging(Protocol):
    """Judges the settings of one sweep, in one process."""

    @property
    def windows(self) -> int:
        """How many marks a whole trial has."""
        ...

    def prepare(self, part: int, parts: int) -> None:
        """Makes what trials share, so that no worker waits for another: of `parts` workers this is number `part`."""
        ...

    def marks(self, values: Mapping[str, Value]) -> Iterator[Mark]:
        """What settings with these values get, window by window; nothing of what is held out is read."""
        ...

    def held_out(self, values: Mapping[str, Value]) -> Answers:
        """What they get on what is held out."""
        ...


@dataclass(frozen=True)
class Target:
    """One thing that can be swept.

    about    what is fitted with the settings, in a phrase
    metric   what a trial is judged by, more is better; for people
    sections dataclasses whose ranges are searched; `only` leaves some of their names
    begin    copies what is judged on into a new sweep's folder, given how many windows are held out; gives all settings
             by table, a hash of the data, and what each trial's run is to tell of itself
    open     the judging of a sweep, from its folder alone
    """

    name: str
    about: str
    metric: str
    sections: tuple[type, ...]
    begin: Callable[[Home, Sweep, int], tuple[dict[str, Any], str, dict[str, Any]]]
    open: Callable[[Sweep], Judging]
    only: tuple[str, ...] = ()


USER_VECTOR = ("users.count_power", "users.epochs", "users.learning_rate", "users.listed", "users.unheard_share")

TARGETS = {
    target.name: target
    for target in (
        Target(
            name="embeddings.items",
            about="the teacher, and the vectors that are learnt from it",
            metric="NDCG@100 of the taste, one vector a listener, mean of next and discover",
            sections=(ItemSettings, TeacherSettings),
            begin=windows.begin,
            open=partial(WindowJudge.open, Way(whole_taste, None, Taste)),
        ),
        Target(
            name="embeddings.users",
            about="what the student makes of a teacher that stays as it is",
            metric="NDCG@100 of the taste, one vector a listener, mean of next and discover",
            sections=(UserSettings,),
            only=USER_VECTOR,
            begin=windows.begin,
            open=partial(WindowJudge.open, Way(whole_taste, taste_on_shared_items, Taste)),
        ),
        Target(
            name="ranking",
            about="the ranker, on vectors and examples that stay as they are",
            metric="NDCG@100 of for_you, mean of next and discover",
            sections=(RankerSettings,),
            begin=windows.begin,
            open=partial(WindowJudge.open, Way(whole_path, path_on_shared_examples, ForYou)),
        ),
    )
}


def target_named(name: str) -> Target:
    """The target of that name; BadInput names those there are."""
    if name not in TARGETS:
        raise BadInput(f"{name!r} cannot be swept; choose from {', '.join(TARGETS)}")
    return TARGETS[name]
