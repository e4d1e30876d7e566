"""Listening tests whose cases are called by their listener: the name goes, the answers of the raters stay.

The new name has as many bytes as the id had, so that a server that reads answers.jsonl from where it stopped goes on
in the right place. It follows from a random key that is thrown away with the request, so nothing leads back from it.
"""

import os
import random
from collections.abc import Mapping, Sequence
from pathlib import Path

import orjson

from palate.core.artefacts import read_json, write_json
from palate.core.errors import PalateError
from palate.core.home import Home
from palate.core.locks import alone

LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
TRIES = 1_000


def tests_with(home: Home, user_ids: Sequence[str]) -> list[Path]:
    """The folders of the tests that show a case of one of these."""
    plans = sorted((home.lab / "listening").glob("*/test.json"))
    return [plan.parent for plan in plans if _cases(plan) & set(user_ids)]


def forget(folder: Path, keys: Mapping[str, str]) -> None:
    """Calls the cases of these otherwise, in the answers first: a kill leaves the plan, by which they are found again.

    keys # by id; the same key draws the same name, so a second attempt ends as the first would have
    """
    plan = read_json(folder / "test.json")
    taken = _cases(folder / "test.json")
    for user in sorted(set(keys) & taken):
        name = _unlike(user, taken, keys[user])
        _rename_answers(folder / "answers.jsonl", user, name)
        for case in plan["cases"]:
            case["id"] = name if case["id"] == user else case["id"]
        taken.add(name)
    write_json(folder / "test.json", plan)


def _cases(plan: Path) -> set[str]:
    return {str(case["id"]) for case in read_json(plan)["cases"]}


def _unlike(user: str, taken: set[str], key: str) -> str:
    length = len(orjson.dumps(user)) - 2
    draws = random.Random(key)
    for _ in range(TRIES):
        name = "".join(draws.choices(LETTERS, k=length))
        if name not in taken:
            return name
    raise PalateError(
        f"no other name of {length} bytes is free for a case of a listening test; delete the test's folder"
    )


def _rename_answers(path: Path, user: str, name: str) -> None:
    """In place and under the writers' lock (lab/listening_tests/ledger.py): with a new file answers would be lost."""
    if not path.is_file():
        return
    old, new = (b'"case":' + orjson.dumps(text) for text in (user, name))
    with alone(path), path.open("r+b") as file:
        content = file.read()
        place = content.find(old)
        while place >= 0:
            file.seek(place)
            file.write(new)
            place = content.find(old, place + len(old))
        file.flush()
        os.fsync(file.fileno())
