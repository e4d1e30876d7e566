"""The homes of tests/jobs, and the command line as a person calls it."""

import gc
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from jobs.conftest import own, trained, world
from palate.cli import main
from palate.core.home import Home

__all__ = ["Palate", "own", "palate", "trained", "world"]

Palate = Callable[..., Result]


@pytest.fixture
def palate() -> Palate:
    """palate(home, "train", "--json") -> exit_code, stdout, stderr; what is no PalateError comes through."""

    def call(home: Home | Path, *words: str | Path) -> Result:
        root = home.root if isinstance(home, Home) else home
        gc.freeze()  # so that the collection below looks at what the command made, not through all that was imported
        found = CliRunner().invoke(main, ["--home", str(root), *map(str, words)], prog_name="palate")
        gc.collect()  # a process opens a store once; a command leaves that to the end of its process
        gc.unfreeze()
        if found.exception is not None and not isinstance(found.exception, SystemExit):
            raise found.exception
        return found

    return call
