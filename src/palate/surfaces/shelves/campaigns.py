"""Campaigns, as ads.toml in the home declares them: what is shown to whom, how often, and from when to when."""

import tomllib
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

from palate.core.errors import BadSettings
from palate.core.items import Kind

FILE = "ads.toml"  # in the home


@dataclass(frozen=True)
class Campaign:
    """One [[campaign]] table.

    id           of the campaign, distinct
    item, text   what is shown: an item of the catalogue, or a line of text; exactly one of them
    kinds        only to who played one of these kinds; empty for everybody
    genres       the same of genres
    countries    only to who is known to be there
    cap_per_day  times in any 24 hours that one listener is shown it
    start, end   unix seconds; not before the one, not from the other on
    """

    id: str
    item: str = ""
    text: str = ""
    kinds: tuple[str, ...] = ()
    genres: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    cap_per_day: int = 3
    start: float = float("-inf")
    end: float = float("inf")

    def __post_init__(self) -> None:
        if bool(self.item) == bool(self.text):
            raise ValueError("needs either item or text, one of them")
        if self.cap_per_day < 1:
            raise ValueError(f"cap_per_day = {self.cap_per_day} must be at least 1; leave the campaign out instead")
        odd = [kind for kind in self.kinds if kind not in [one.value for one in Kind]]
        if odd:
            raise ValueError(f"kinds = {odd[0]!r} is no kind; choose from {', '.join(Kind)}")
        if not self.start < self.end:
            raise ValueError("start must be before end")


def read_campaigns(path: Path) -> list[Campaign]:
    """The campaigns of a file, in its order; none when there is no file. BadSettings names what is wrong."""
    if not path.is_file():
        return []
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSettings(f"{path} is not valid TOML: {error}") from error
    found = tables.pop("campaign", [])
    if tables or not isinstance(found, list):
        raise BadSettings(f"{path} holds more than [[campaign]] tables; write each campaign as one")
    campaigns = [_campaign(table, f"{path}: campaign {number}") for number, table in enumerate(found, 1)]
    ids = [one.id for one in campaigns]
    twice = [one for one in ids if ids.count(one) > 1]
    if twice:
        raise BadSettings(f"{path}: two campaigns have the id {twice[0]!r}; give each its own")
    return campaigns


def _campaign(table: dict[str, Any], where: str) -> Campaign:
    known = {one.name: one.type for one in fields(Campaign)}
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in known:
            raise BadSettings(f"{where}: {key} is not a setting; choose from {', '.join(known)}")
        values[key] = _value(key, value, where)
    if not values.get("id"):
        raise BadSettings(f'{where} has no id; add id = "..."')
    try:
        return Campaign(**values)
    except ValueError as error:
        raise BadSettings(f"{where} {error}") from error


def _value(key: str, value: Any, where: str) -> Any:
    if key in ("start", "end"):
        if isinstance(value, date) and not isinstance(value, datetime):
            value = datetime.combine(value, time(), UTC)
        if isinstance(value, datetime):
            value = (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise BadSettings(f"{where}: {key} = {value!r} must be a date or unix seconds")
        return float(value)
    if key in ("kinds", "genres", "countries"):
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise BadSettings(f"{where}: {key} = {value!r} must be a list of texts")
        return tuple(value)
    wanted = int if key == "cap_per_day" else str
    if not isinstance(value, wanted) or isinstance(value, bool):
        raise BadSettings(f"{where}: {key} = {value!r} must be {'a whole number' if wanted is int else 'a text'}")
    return value
