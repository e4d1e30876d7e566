"""`palate demo`: a simulated world, imported, trained on and judged. What is done already is not done again."""

import time
from pathlib import Path
from typing import Any

from palate.core.artefacts import atomic_folder
from palate.core.errors import BadInput
from palate.core.home import Home
from palate.core.progress import step
from palate.jobs.chain import train
from palate.jobs.importing import import_items, import_listeners, import_listens, import_playlists
from palate.jobs.judge.judging import Asked, judged
from palate.listening.log import ListeningLog
from palate.sources.world import WorldSettings, simulate


def build(home: Home, size: dict[str, int], windows: int) -> dict[str, Any]:
    """Builds whatever is missing; the answer has the evaluation table as `text`.

    size: listeners, items, listens, seed. BadInput when the home holds another world or somebody's own listens.
    """
    folder = home.root / "world"
    if not folder.is_dir():
        _refuse_real_listens(home)
        with step("simulating a world"), atomic_folder(folder) as temporary:
            settings = WorldSettings(listeners=size["listeners"], items=size["items"], listens=size["listens"])
            simulate(settings, size["seed"]).write(temporary)
            (temporary / "size.json").write_text(repr(sorted(size.items())), encoding="utf-8")
    if (folder / "size.json").read_text(encoding="utf-8") != repr(sorted(size.items())):
        raise BadInput(f"{home.root} holds a world of another size or seed; give another --home, or delete it")
    with step("importing"):
        _import(home, folder)
    with step("training"):
        space, _ = train(home)
    with step("evaluating"):
        text, data = judged(home, Asked(windows=windows, brief=True, seeds=1))
    return {
        "home": str(home.root), "space": space.label, "evaluation": data, "text": text,
        "page": str(home.lab / "eval.html"),
    }  # fmt: skip


def _import(home: Home, folder: Path) -> None:
    """Imports the world; everything that is there already changes nothing, but takes a second, so a mark is left."""
    mark = home.root / "world-imported"
    if mark.is_file():
        return
    now = time.time()
    import_items(home, [folder / "items.parquet"], {}, True, now)
    import_playlists(home, [folder / "playlists.parquet"], {}, True, now)
    import_listeners(home, [folder / "listeners.parquet"], {}, True, now)
    import_listens(home, sorted(folder.glob("listens*.parquet")), {}, True, now)
    mark.touch()


def _refuse_real_listens(home: Home) -> None:
    if home.log.is_file():
        with ListeningLog(home.log) as log:
            if log.end_offset():
                raise BadInput(
                    f"{home.root} holds listens already; give the demo a home of its own: palate --home demo-home demo"
                )
