"""A new test from what was asked for: its stimuli are found, checked and copied into the home."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from palate.core.errors import BadInput
from palate.core.home import Home
from palate.lab.listening_tests.design import OF, QUESTIONS, RATINGS, Case, Kind, ListeningTest, Of
from palate.lab.listening_tests.shelf import Shelved, folder_of, make, new_keys
from palate.lab.listening_tests.stimuli import conditions_in, sounds_from

SLATES = ("for_you", "popular-7d")  # compared when nothing else is asked for


@dataclass(frozen=True)
class Asked:
    """What a user wants tested.

    of          None when the test's name says it
    folder      of sounds; slates come from the home
    conditions  None for every sub-folder, or SLATES
    pairs       tasks for each rater
    cases       slates: listeners, None for as many as `pairs`; length: items of each; unheard: without what was heard
    """

    of: Of | None = None
    folder: Path | None = None
    conditions: tuple[str, ...] | None = None
    pairs: int = 30
    kind: Kind = "ab"
    questions: tuple[str, ...] = ()
    checks: int = 0
    cases: int | None = None
    length: int = 8
    unheard: bool = False
    seed: int = 0


@dataclass(frozen=True)
class SlatesAsked:
    """Which slates: `listeners` drawn by `seed`, `length` items by each of `conditions`."""

    conditions: tuple[str, ...]
    listeners: int = 30
    length: int = 8
    unheard: bool = False
    seed: int = 0


@dataclass(frozen=True)
class Slates:
    """The cases of a test, one for each listener; `simulated` when the listeners are made up."""

    cases: tuple[Case, ...]
    simulated: bool


SlatesOf = Callable[[Home, SlatesAsked], Slates]  # jobs/slates_to_rate.py: the lab knows no models


def new_test(home: Home, name: str, asked: Asked, slates: SlatesOf) -> Shelved:
    """Makes the test; BadInput when its stimuli are not to be had, with what is missing by name."""
    folder_of(home.require(), name)
    of = asked.of or next((one for one in OF if one == name), None)
    if of is None:
        raise BadInput(f"what does {name!r} compare? add --of {' or --of '.join(OF)}")
    if asked.kind == "questions" and not asked.questions:
        raise BadInput("a test of kind questions needs one; add --question TEXT, which is answered with yes or no")
    if asked.kind != "questions" and len(asked.questions) > 1:
        raise BadInput(f"a test of kind {asked.kind} asks one thing, got {len(asked.questions)}; use --kind questions")
    cases, files, notes, simulated = _stimuli(home, of, asked, slates)
    standard = (RATINGS if asked.kind == "rating" else QUESTIONS)[of]
    key, join = new_keys()
    test = ListeningTest(
        name=name, of=of, kind=asked.kind, conditions=asked.conditions or tuple(sorted(cases[0].stimuli)), cases=cases,
        questions=asked.questions or (standard,), per_rater=asked.pairs, checks=asked.checks, seed=asked.seed,
        key=key, join=join, created=time.time(), simulated=simulated, notes=notes,
    )  # fmt: skip
    return make(home, test, files)


def _stimuli(
    home: Home, of: Of, asked: Asked, slates: SlatesOf
) -> tuple[tuple[Case, ...], dict[str, bytes], tuple[str, ...], bool]:
    """(cases, files, notes, simulated)."""
    if of == "slates":
        if asked.folder is not None:
            raise BadInput("slates come from this home, not from a folder; leave --from out, or say --of sounds")
        listeners = asked.pairs if asked.cases is None else asked.cases
        wanted = SlatesAsked(asked.conditions or SLATES, listeners, asked.length, asked.unheard, asked.seed)
        made = slates(home, wanted)
        return made.cases, {}, (), made.simulated
    if asked.folder is None:
        names = asked.conditions or ("ours", "random")
        raise BadInput(
            f"this home has no {of} yet; give --from FOLDER with a sub-folder for each of {', '.join(names)}, and "
            "in each a sound of the same name for every case"
        )
    found = sounds_from(asked.folder, asked.conditions or conditions_in(asked.folder))
    return found.cases, found.files, found.notes, False
