"""A sentence said in other words: what a language model may see of it, and whether what it said is the same.

Names never reach the model. They stand as NAME_A, NAME_B, ... in what it gets, and come back into what it gave, so
that a title cannot give it orders and it cannot mistake one. What it says must have every name and every number with
its unit, in the same order, and beyond the words of the sentence only such as claim nothing.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

LEAST_CAP = 120  # characters that any sentence may have; a longer one may double

PLACEHOLDER = re.compile(r"NAME_[A-Z]")
_NUMBER = re.compile(r"\d[\d.,]*%?(?<![.,])|\bonce\b|\btwice\b", re.IGNORECASE)
_WORD = re.compile(r"NAME_[A-Z]|[^\W\d_]+(?:['’-][^\W\d_]+)*")
_CHARACTERS = re.compile(r"[\w\s,.!:;'’()%&-]*")  # no markup, no quotes, no addresses
_SENTENCE = re.compile(r"(?:[^.!?…]|(?<=\d)\.(?=\d))+[.!]")

# What turns a sentence around when it is dropped.
_BINDING = "not no nobody never none nothing without last first ago today yesterday week weeks here or four different"
BINDING = frozenset(_BINDING.split())
# What any sentence may say, since it claims nothing. No numbers, no times, no "you", no praise.
_PLAIN = """
    a along alongside also an and as at back because been beside but by came come comes count counted counts for found
    from go goes had has have hear heard how in into is it it's item its just keep keeps kept listened listening of off
    on out pair paired pairs play played playing plays put sit sits so song sound sounds spin spins spun such sum that
    that's the their them then there these they thing this those tie ties time times to told track tune up was well
    went were what when where which while with within
"""
PLAIN = frozenset(_PLAIN.split())


@dataclass(frozen=True)
class Masked:
    """A sentence and its evidence with placeholders for names; names: by placeholder."""

    sentence: str
    evidence: list[dict[str, Any]]
    names: dict[str, str]

    def named(self, text: str) -> str:
        """A text with the names back in their places."""
        return PLACEHOLDER.sub(lambda found: self.names.get(found[0], found[0]), text)


def masked(sentence: str, evidence: list[dict[str, Any]], names: Iterable[str]) -> Masked:
    """Hides the names, the longest first; of the evidence numbers and types stay, and texts are left out."""
    hidden: dict[str, str] = {}
    for name in sorted({name for name in names if name}, key=len, reverse=True)[:26]:
        placeholder = f"NAME_{chr(ord('A') + len(hidden))}"
        changed = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", placeholder, sentence)
        if changed != sentence:
            sentence, hidden[placeholder] = changed, name
    numbers = [
        {key: value for key, value in one.items() if key == "type" or isinstance(value, int | float)}
        for one in evidence
    ]
    return Masked(sentence, numbers, hidden)


def refusal(told: object, said: Masked) -> str | None:
    """Why what a model told may not be said in place of `said`; None when it may."""
    if not isinstance(told, str) or not told.strip():
        return "it is empty"
    if len(told) > max(LEAST_CAP, 2 * len(said.sentence)):
        return "it is too long"
    if not _CHARACTERS.fullmatch(told) or "\n" in told:
        return "it has signs that a sentence does not need"
    if not _SENTENCE.fullmatch(told):
        return "it is not one sentence"
    if Counter(PLACEHOLDER.findall(told)) != Counter(PLACEHOLDER.findall(said.sentence)):
        return "it has other names"
    if _counted(told) != _counted(said.sentence):
        return "it has other numbers"
    return _other_words(told, said.sentence)


def _counted(text: str) -> list[tuple[str, str]]:
    """Each number with the word behind it, in order."""
    out = []
    for found in _NUMBER.finditer(text):
        behind = _WORD.search(text, found.end())
        plain = found[0].lower() in ("once", "twice")
        out.append((found[0].lower(), "" if behind is None or plain else behind[0].lower()))
    return out


def _other_words(told: str, sentence: str) -> str | None:
    ours, theirs = (_WORD.findall(text) for text in (sentence, told))
    known = {word.lower() for word in ours}
    for place, word in enumerate(theirs):
        if PLACEHOLDER.fullmatch(word):
            continue
        if word.lower() not in known | PLAIN:
            return f"it says {word[:40]!r}"
        if place and not word.islower() and word not in ours:
            return f"it names {word[:40]!r}"
    return None if _bound(told) == _bound(sentence) else "it drops, adds or moves a word that turns it around"


def _bound(text: str) -> list[str]:
    """The numbers, names and binding words, in their order where it matters: where there are several to be mixed up."""
    found = [one[0] for one in re.finditer(rf"{PLACEHOLDER.pattern}|{_NUMBER.pattern}|[^\W\d_]+", text)]
    kept = [one if PLACEHOLDER.fullmatch(one) else one.lower() for one in found]
    kept = [one for one in kept if one in BINDING or PLACEHOLDER.fullmatch(one) or _NUMBER.fullmatch(one)]
    numbers, names = len(_counted(text)), len(PLACEHOLDER.findall(text))
    return kept if numbers > 1 or names > 1 else sorted(kept)
