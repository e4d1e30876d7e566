"""`palate`: the group of all commands, its options, and how errors leave it."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import Any

import click

from palate import __version__
from palate.cli.output import fail
from palate.core.errors import MissingExtra, PalateError
from palate.core.home import Home

# Which extra brings a library that only importing and training need.
EXTRAS = {
    **dict.fromkeys(("polars", "implicit", "luigi", "threadpoolctl", "sklearn", "psutil"), "train"),
    **dict.fromkeys(("trackio", "optuna", "markdown_it"), "lab"),
}


class Palate(click.Group):
    """A group whose errors are one sentence on stderr."""

    def invoke(self, context: click.Context) -> Any:
        """Runs the command; PalateError, a missing extra and a refused file become a sentence and exit code 1."""
        try:
            return super().invoke(context)
        except PalateError as error:
            fail(str(error))
        except ModuleNotFoundError as error:
            if error.name not in EXTRAS:
                raise
            fail(str(MissingExtra(error.name, EXTRAS[error.name])))
        except OSError as error:
            if error.errno == errno.EPIPE or error.filename is None:
                raise  # a closed pipe is click's to handle; what names no file is no mistake of the reader's
            fail(f"{error.filename}: {error.strerror}; check that the path is right and may be read and written")
        except KeyboardInterrupt:
            fail("stopped; what was done is kept, run again to go on", code=130)


@click.group(cls=Palate, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="palate")
@click.option(
    "--home", type=click.Path(path_type=Path), envvar="PALATE_HOME", default=Path("palate-home"), show_default=True,
    help="The folder that holds everything: settings, catalogue, log, spaces. Also PALATE_HOME.",
)  # fmt: skip
@click.pass_context
def main(context: click.Context, home: Path) -> None:
    """A taste engine for audio: one vector per listener and item, behind every surface.

    Start with: palate demo. With your own data: palate init, palate import listens FILE, palate train, palate serve.
    """
    context.obj = Home(home)


# One thread per library call is fastest at these sizes, and implicit insists on it; set before numpy is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from palate.cli import (  # noqa: E402  # they hang commands on `main`
    ab,
    answers,
    data,
    explaining,
    heads,
    homes,
    judge,
    lab,
    onboard,
    serving,
    slates,
    space,
    training,
    user,
)

MODULES = (
    homes, data, training, space, heads, answers, explaining, onboard, slates, user, judge, ab, lab, serving,
)  # fmt: skip
for module in MODULES:
    for command in module.COMMANDS:
        main.add_command(command)


if __name__ == "__main__":
    sys.exit(main())
