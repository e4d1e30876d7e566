"""Sounds from a folder: one sub-folder for each condition, and in each a file of the same name for each case.

from/ours/monday.wav   from/intro/monday.wav   from/random/monday.mp3
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from palate.core.errors import BadInput
from palate.lab.listening_tests.design import ANCHOR, Case, Stimulus
from palate.lab.listening_tests.media import MEDIA_TYPES, TAGS_STAY, Levels, levels, read_bare

LOUDER_DB = 3.0  # from here on people prefer what is louder, whatever else differs
LONGER = 1.1  # times as long: heard at once, and read off the player
NAMED = 5  # of many names, so many are told


@dataclass(frozen=True)
class Sounds:
    """Cases, the bytes of each file that they name, and what is worth knowing of them."""

    cases: tuple[Case, ...]
    files: dict[str, bytes]
    notes: tuple[str, ...]


def conditions_in(folder: Path) -> tuple[str, ...]:
    """The sub-folders that hold a sound, by name; BadInput when there is none."""
    if not folder.is_dir():
        raise BadInput(f"no folder {folder}; give one with a sub-folder for each condition")
    found = tuple(sorted(one.name for one in folder.iterdir() if one.is_dir() and _by_case(one)))
    if not found:
        raise BadInput(f"{folder} has no sub-folder with sounds ({_suffixes()}); make one for each condition")
    return found


def sounds_from(folder: Path, conditions: Sequence[str]) -> Sounds:
    """Reads every case of `conditions`; BadInput names what is missing, doubled or unreadable.

    A file's name in the test is its number in an order that follows the cases, never its condition.
    """
    there = conditions_in(folder)
    missing = [condition for condition in conditions if condition not in there]
    if missing:
        raise BadInput(f"{folder} has no sounds for {_some(missing)}; its sub-folders are {', '.join(there)}")
    paths = {condition: _by_case(folder / condition) for condition in conditions}
    names = sorted(set().union(*paths.values()))
    absent = [f"{condition}/{name}" for name in names for condition in conditions if name not in paths[condition]]
    if absent:
        raise BadInput(f"{folder} lacks {_some(absent)}; every condition needs a file for every case")
    cases, files, measured = [], {}, {}
    for number, name in enumerate(names):
        stimuli = {}
        for place, condition in enumerate(sorted(conditions)):
            path = paths[condition][name]
            suffix = path.suffix.lower()
            file = f"{number * len(conditions) + place:05d}{suffix}"
            files[file] = read_bare(path)
            stimuli[condition] = Stimulus(file, MEDIA_TYPES[suffix])
            if suffix == ".wav" and (level := levels(files[file])) is not None:
                measured[name, condition] = level
        cases.append(Case(name, stimuli))
    return Sounds(tuple(cases), files, (*_told_by_format(cases), *_told_by_level(names, conditions, measured)))


def _by_case(folder: Path) -> dict[str, Path]:
    """The sounds of one condition by name without ending; BadInput when two differ in their ending alone."""
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in MEDIA_TYPES or path.name.startswith("."):
            continue
        if path.stem in found:
            raise BadInput(f"{path} and {found[path.stem].name} are the same case twice; keep one of them")
        found[path.stem] = path
    return found


def _told_by_format(cases: Sequence[Case]) -> list[str]:
    """What a rater could tell the conditions apart by without listening."""
    mixed = [case.id for case in cases if len({stimulus.media_type for stimulus in case.stimuli.values()}) > 1]
    tagged = {
        stimulus.file
        for case in cases
        for stimulus in case.stimuli.values()
        if stimulus.file.endswith(TAGS_STAY)
    }  # fmt: skip
    notes = []
    if mixed:
        notes.append(f"the conditions of {_some(mixed)} have different formats, which a rater's browser can tell apart")
    if tagged:
        notes.append(f"{len(tagged):,} ogg, opus or m4a files keep their tags; take them off if they name a condition")
    return notes


def _told_by_level(
    names: Sequence[str], conditions: Sequence[str], measured: dict[tuple[str, str], Levels]
) -> list[str]:
    """Cases whose wavs differ in level or length; anchors are meant to differ."""
    judged = [condition for condition in conditions if not condition.startswith(ANCHOR)]
    notes = []
    for name in names:
        found = [measured[name, condition] for condition in judged if (name, condition) in measured]
        if len(found) < 2:
            continue
        for word, values in (("rms", [one.rms_db for one in found]), ("peak", [one.peak_db for one in found])):
            apart = max(values) - min(values)
            if apart > LOUDER_DB:
                notes.append(f"{name}: {word} levels differ by {apart:.1f} dB; people prefer what is louder")
        lengths = [one.seconds for one in found]
        if max(lengths) > LONGER * min(lengths):
            notes.append(f"{name}: lengths differ, {min(lengths):.1f} to {max(lengths):.1f} s, which raters see")
    return [*notes[:NAMED], f"and {len(notes) - NAMED} more cases like these"] if len(notes) > NAMED else notes


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _suffixes() -> str:
    return ", ".join(MEDIA_TYPES)
