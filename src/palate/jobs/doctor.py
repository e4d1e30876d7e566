"""`palate doctor`: is the installation whole, is the home sound?"""

import importlib.util
import platform
import sys
from collections.abc import Callable
from typing import Any

from palate.core.errors import PalateError
from palate.core.home import Home
from palate.embeddings.space import Spaces
from palate.fresh.engine import open_log, open_store
from palate.listening.log import ListeningLog
from palate.store.items import ItemStore

OLDEST_PYTHON = (3, 11)
TRAINING = ("polars", "implicit", "luigi")


def examine(home: Home) -> list[dict[str, Any]]:
    """One finding a line: what was looked at, what was found, whether it is as it should be. Changes nothing."""
    return [
        {"what": "python", "found": platform.python_version(), "ok": sys.version_info[:2] >= OLDEST_PYTHON},
        _finding("training parts", _training),
        _finding("home", lambda: str(home.require().root)),
        _finding("listening log", lambda: _log(home)),
        _finding("live space", lambda: _space(home)),
        _finding("history of promotions", lambda: _history(home)),
        _finding("items", lambda: _items(home)),
        _finding("tastes", lambda: _tastes(home)),
    ]


def _finding(what: str, look: Callable[[], str]) -> dict[str, Any]:
    try:
        return {"what": what, "found": look(), "ok": True}
    except (PalateError, OSError) as error:
        return {"what": what, "found": str(error), "ok": False}


def _training() -> str:
    missing = [name for name in TRAINING if not _installed(name)]
    return "installed" if not missing else f"{', '.join(missing)} not installed: pip install 'palate[train]' to train"


def _installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ImportError:  # a finder may refuse a name instead of not knowing it
        return False


def _log(home: Home) -> str:
    if not home.log.is_file():
        return "empty; run: palate import listens FILE"
    with ListeningLog(home.log) as log:
        return f"{log.end_offset():,} listens"


def _space(home: Home) -> str:
    space = Spaces(home.require().spaces).live
    space.verify()
    return f"{space.label}, every file as it was published"


def _history(home: Home) -> str:
    aliases = Spaces(home.spaces).aliases
    aliases.verify()
    return f"{len(aliases.entries()):,} lines, none of them changed since"


def _items(home: Home) -> str:
    with ItemStore(home.online / "items") as items:
        return f"{len(items):,} items to show"


def _tastes(home: Home) -> str:
    label = Spaces(home.require().spaces).live.label
    with open_store(home, readonly=True) as store, open_log(home) as log:
        behind = log.lacking(store.standing(label).offsets)
        level = "level with the log" if behind <= 0 else f"{behind:,} listens behind the log; run: palate fresh"
        return f"{store.count(label):,} listeners, {level}"
