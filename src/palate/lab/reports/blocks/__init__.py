"""One file for each kind of block: from what it says to what the page shows."""

from collections.abc import Callable

from palate.core.markup import Html
from palate.lab.reports.blocks.compare import compare
from palate.lab.reports.blocks.files import audio, image, table
from palate.lab.reports.blocks.importance import importance
from palate.lab.reports.blocks.plot import plot
from palate.lab.reports.blocks.runs import runs
from palate.lab.reports.material import Material
from palate.lab.reports.recipe import Block

FILLED: dict[str, Callable[[Block, Material], Html]] = {
    "runs": runs, "compare": compare, "plot": plot, "table": table, "image": image, "audio": audio,
    "importance": importance,
}  # fmt: skip
