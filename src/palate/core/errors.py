"""Every error that Palate raises on purpose.

    PalateError                 something the reader can act on; the CLI prints it as one sentence
    ├── BadInput                a value, row, file or request that cannot be used as it is (HTTP 4xx)
    │   ├── BadSettings         palate.toml or an option says something impossible
    │   └── UnknownItem         an item id that the catalogue does not hold (HTTP 404)
    │       └── UnknownSeed     an artist, show, genre, playlist or listener that nothing can start from (HTTP 404)
    ├── MissingHome             the folder is not a Palate home yet: run `palate init`
    ├── NotTrained              the home has no live space yet: run `palate train`
    ├── Unavailable             a server that Palate needs does not answer: try again, or start it (HTTP 503)
    ├── MissingExtra            an optional part is not installed; the message has the pip command
    ├── SpaceMismatch           vectors of two spaces met where only one is allowed
    └── Corrupt                 a file of ours is damaged or was written by a newer Palate

A message says what came, what was needed and what to do. Wrapping keeps the cause (`raise ... from`).
"""


class PalateError(Exception):
    """Something the reader can act on; the message is one sentence with the remedy."""


class BadInput(PalateError, ValueError):
    """A value, row, file or request that cannot be used as it is."""


class BadSettings(BadInput):
    """palate.toml or a command-line option says something impossible."""


class UnknownItem(BadInput):
    """An item id that the catalogue does not hold."""

    def __init__(self, item_id: str) -> None:
        super().__init__(f"no item {item_id[:80]!r} in the catalogue; import it with `palate import items`")
        self.item_id = item_id


class UnknownSeed(UnknownItem):
    """An artist, show, genre, playlist or listener by a name that nothing can start from."""

    def __init__(self, seed: str, remedy: str) -> None:
        super().__init__(seed)
        self.args = (f"nothing to start from in {seed[:80]!r}; {remedy}",)


class MissingHome(PalateError):
    """The folder is not a Palate home yet."""


class NotTrained(PalateError):
    """The home has no live space yet."""


class Unavailable(PalateError):
    """A server that Palate needs does not answer."""


class MissingExtra(PalateError, ImportError):
    """An optional part is not installed."""

    def __init__(self, library: str, extra: str) -> None:
        super().__init__(f"this needs {library}, which is not installed; run: pip install 'palate[{extra}]'")


class SpaceMismatch(PalateError):
    """Vectors of two spaces met where only one is allowed."""


class Corrupt(PalateError):
    """A file of ours is damaged or was written by a newer Palate."""
