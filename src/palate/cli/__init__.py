"""Words on a command line, one call each.

Takes: words.
Gives: one call into another room, its answer as text or as JSON; errors as one sentence on stderr and exit code 1.
Promises: every command has --json; `palate --help` needs no model library and takes a fraction of a second.
Does not know: how anything is done.
"""

from palate.cli.main import main

__all__ = ["main"]
