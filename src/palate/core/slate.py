"""A slate: the ordered answer to one request, as it leaves Palate."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class SlateItem:
    """One recommended item. `evidence` holds what can be checked; `reason` is one sentence made from it alone."""

    item_id: str
    kind: str
    score: float
    source: str
    reason: str
    evidence: list[dict[str, Any]]
    title: str | None = None
    artists: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shelf:
    """A titled part of an answer. `name` is stable and for programs; `reason` is one sentence made from `evidence`."""

    name: str
    title: str
    reason: str
    items: list[SlateItem]
    evidence: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Slate:
    """The answer.

    `taste_age_seconds` is the time since the latest listen in the taste that made it, None for a stranger.
    `taste_offset`: it contains each listen of theirs up to there in the log; None where no listener is asked for.
    `shelves` are the parts of an answer that has parts; `items` are then those of all shelves in order, each once.
    `note` says in one sentence what should be known of the answer as a whole: above all why it is empty or short.
    `next` is the relative address of its next page, None at the end and where nothing is kept.
    `stages` counts what each stage of the request path handled; `removed` says how many items each filter took out.
    `head` is the label of the head that the surface asked, None where it asked none or got no answer; `note` says why.
    """

    slate_id: str
    surface: str
    user_id: str | None
    space: str
    taste_age_seconds: float | None
    stranger: bool
    items: list[SlateItem]
    stages: dict[str, int] = field(default_factory=dict)
    removed: dict[str, int] = field(default_factory=dict)
    taste_offset: int | None = None
    shelves: list[Shelf] = field(default_factory=list)
    note: str | None = None
    next: str | None = None
    head: str | None = None
