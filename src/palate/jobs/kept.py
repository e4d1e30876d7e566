"""Work of a home, kept as a run in its lab: everything that trains or judges goes through here."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from palate.core.home import Home
from palate.core.settings import read_settings
from palate.lab.about import here
from palate.lab.book import Book
from palate.lab.run import Run
from palate.lab.settings import LabSettings


@contextmanager
def kept(
    home: Home, job: str, *, name: str = "", config: Mapping[str, Any], about: Mapping[str, Any], key: str = "",
    group: str = "",
) -> Iterator[Run | None]:  # fmt: skip
    """What is told inside the block (core/recording.py) goes into a run; an interrupted one with this key goes on.

    None, and a warning, where the lab's folder cannot be written: work is never stopped for want of its record.
    """
    settings = LabSettings.read(read_settings(home.settings))
    try:
        run = Book(home.lab).start(
            job, name=name, config=config, group=group, key=key, about=here() | dict(about), settings=settings
        )
    except OSError as error:
        print(f"warning: {home.lab} cannot be written ({error.strerror}), so no run is kept", file=sys.stderr)
        yield None
        return
    with run:
        yield run


def record(home: Home, job: str, **told: Any) -> None:
    """Writes down a run that is over already (Book.record); a warning where that is not possible."""
    try:
        Book(home.lab).record(job, **told | {"about": here() | told["about"]})
    except OSError as error:
        print(f"warning: {home.lab} cannot be written ({error.strerror}), so a run is not kept", file=sys.stderr)
