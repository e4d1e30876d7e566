"""Which heads surfaces ask; apart from what asks them, so that reading the settings loads no model."""

import re
from dataclasses import dataclass, fields
from typing import ClassVar

NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")  # as heads/registry.py takes them


@dataclass(frozen=True)
class HeadSettings:
    """The head that a surface asks, by the name under which it is registered ([heads] in palate.toml); "" for none."""

    SECTION: ClassVar[str] = "heads"

    ads: str = ""  # interest in a campaign, asked about its item, or about the most heard one of its genres and kinds
    home: str = ""  # what a shelf is worth: the mean over the items that it would show
    search: str = ""  # how well the listener likes a title, instead of taste and own plays

    def __post_init__(self) -> None:
        for one in fields(self):
            name = getattr(self, one.name)
            if name and not NAME.fullmatch(name):
                raise ValueError(f'{one.name} = {name!r} cannot name a head; use a to z, digits and -, or "" for none')

    def of(self, surface: str) -> str:
        """The name of the surface's head; "" for a surface that asks none."""
        return str(getattr(self, surface, ""))
