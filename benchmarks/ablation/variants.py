"""Every variant, in the order of their worth: what is asked first is known first."""

from dataclasses import dataclass, replace
from typing import Any

from ablation.encoders import Both, FoldIn, Svd, WindowMean
from ablation.interests import Interests
from ablation.noise import OtherOrder
from ablation.skips import SubtractedSkips
from ablation.starts import JoinedStart
from ablation.students import FrozenItems, LearntHalfLives, OneVector, Student
from ablation.workshop import Workshop
from palate.embeddings.foundation import FoundationSettings
from palate.evaluation.method import Method

DEFAULT_NAME = "default"
ONLY = 1_000.0  # a share so large that the other question is not heard


@dataclass(frozen=True)
class Variant:
    """A method, the group of questions it belongs to, and what is different about it."""

    group: str
    about: str
    method: Method


def variants(workshop: Workshop) -> list[Variant]:
    """All of them, the default first."""
    s = workshop.settings
    default = Variant(DEFAULT_NAME, "as trained in production", Student(DEFAULT_NAME, workshop, s))
    parts = (
        _noise,
        _windows,
        _dimensions,
        _objectives,
        _sides,
        _encoders,
        _interests,
        _teachers,
        _other_windows,
        _skips,
    )
    return [default, *(one for part in parts for one in part(workshop, s))]


def _noise(workshop: Workshop, s: FoundationSettings) -> list[Variant]:
    about = "factors to begin with and order of learning by another seed; the same lists"
    starts = [
        Variant("noise", about, Student(f"noise: {name}", workshop, replace(s, items=replace(s.items, seed=seed))))
        for name, seed in (("another seed", s.items.seed + 1), ("a third seed", s.items.seed + 2))
    ]
    order = OtherOrder("noise: another order", workshop, s.items.seed + 1)
    joined = JoinedStart("noise: all factorizations", workshop)
    return [
        *starts,
        Variant("noise", "order of learning alone by another seed", order),
        Variant("noise", "begins with the teacher's factorizations side by side, cut to 127 directions", joined),
    ]


def _windows(workshop: Workshop, s: FoundationSettings) -> list[Variant]:
    learnt = LearntHalfLives("windows: learnt", workshop, s)
    return [
        _with(workshop, s, "no week", (28.0, 182.0)),
        _with(workshop, s, "no month", (7.0, 182.0)),
        _with(workshop, s, "no half-year", (7.0, 28.0)),
        _with(workshop, s, "four windows", (1.0, 7.0, 28.0, 182.0)),
        Variant("windows", "half-lives by gradient, from 7, 28 and 182 days", learnt),
    ]


def _other_windows(workshop: Workshop, s: FoundationSettings) -> list[Variant]:
    return [
        _with(workshop, s, "2, 14 and 90 days", (2.0, 14.0, 90.0)),
        _with(workshop, s, "14, 56 and 365 days", (14.0, 56.0, 365.0)),
        _with(workshop, s, "week alone", (7.0,)),
        _with(workshop, s, "month alone", (28.0,)),
        _with(workshop, s, "half-year alone", (182.0,)),
    ]


def _with(workshop: Workshop, s: FoundationSettings, name: str, days: tuple[float, ...]) -> Variant:
    told = ", ".join(f"{one:g}" for one in days)
    return Variant("windows", f"half-lives of {told} days", Student(f"windows: {name}", workshop, s, days))


def _dimensions(workshop: Workshop, s: FoundationSettings) -> list[Variant]:
    return [
        Variant(
            "dimension", f"{dim} numbers; the teacher's factorizations keep theirs",
            Student(f"dimension: {dim}", workshop, replace(s, items=replace(s.items, dim=dim))),
        )
        for dim in (64, 32, 256)
    ]  # fmt: skip


def _objectives(workshop: Workshop, s: FoundationSettings) -> list[Variant]:
    changes: list[tuple[str, str, dict[str, Any]]] = [
        ("everything only", "the list of unheard items is not learnt", {"unheard_share": 0.0}),
        ("unheard only", "the list of everything is not learnt", {"unheard_share": ONLY}),
        ("10 of a list", "the first 10 items of each list", {"listed": 10}),
        ("100 of a list", "the first 100 items of each list", {"listed": 100}),
    ]
    return [
        Variant(
            "objective", about, Student(f"objective: {name}", workshop, replace(s, users=replace(s.users, **change)))
        )
        for name, about, change in changes
    ]


def _teachers(workshop: Workshop, s: FoundationSettings) -> list[Variant]:
    rest = s.teacher.company + s.teacher.factors
    changes: list[tuple[str, str, dict[str, Any]]] = [
        (f"no {name}", "an opinion left out", {name: 0.0}) for name in ("own", "company", "factors", "popularity")
    ]
    for own in (0.3, 0.8):
        change = {name: (1.0 - own) * getattr(s.teacher, name) / rest for name in ("company", "factors")}
        changes.append((f"own {own:g}", "own plays weigh so much beside company and factors", {"own": own, **change}))
    return [
        Variant(
            "teacher", about, Student(f"teacher: {name}", workshop, replace(s, teacher=replace(s.teacher, **change)))
        )
        for name, about, change in changes
    ]


def _sides(workshop: Workshop, s: FoundationSettings) -> list[Variant]:
    return [
        Variant("sides", "one vector for heard and offered", OneVector("sides: one vector", workshop, s)),
        Variant("sides", "items stay the factorization's", FrozenItems("sides: items frozen", workshop, s)),
        Variant(
            "sides", "the month's mean of `offered` in place of an encoder",
            WindowMean("sides: no encoder", workshop, 28.0, learnt=True),
        ),
    ]  # fmt: skip


def _encoders(workshop: Workshop, _: FoundationSettings) -> list[Variant]:
    means = [
        Variant(
            "encoder", "the factorization's mean", WindowMean(f"encoder: mean of {days:g} days", workshop, days)
        )
        for days in (7.0, 28.0, 182.0)
    ]  # fmt: skip
    return [
        Variant("encoder", "the factorization, solved exactly for each listener", FoldIn("encoder: fold-in", workshop)),
        Variant("encoder", "taste and fold-in, two vectors", Both("encoder: taste + fold-in", workshop)),
        *means,
        Variant("encoder", "PureSVD of who heard what", Svd("encoder: SVD", workshop)),
    ]


def _interests(workshop: Workshop, _: FoundationSettings) -> list[Variant]:
    alone = [
        Variant("interests", "in place of the one taste", Interests(f"interests: {count}", workshop, count))
        for count in (2, 3, 5)
    ]
    both = Interests("interests: taste + 3", workshop, 3, whole=True)
    return [*alone, Variant("interests", "beside the one taste", both)]


def _skips(workshop: Workshop, _: FoundationSettings) -> list[Variant]:
    return [
        Variant("skips", "of a skip is subtracted", SubtractedSkips(f"skips: {share:g}", workshop, share))
        for share in (0.25, 1.0)
    ]
