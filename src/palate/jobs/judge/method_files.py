"""Somebody's own method, from one Python file: `palate eval run --method mine.py`."""

import importlib.util
from collections.abc import Sequence
from pathlib import Path

from palate.core.errors import BadInput
from palate.embeddings.inputs import Inputs
from palate.evaluation.leakage import Build
from palate.evaluation.method import Method


def load(path: Path) -> Build:
    """The function `methods(inputs)` of the file, which gives the methods to judge; runs the file.

    `inputs` is everything that the home holds, the future of every window included: a method should learn in `fit`,
    from what it is given there. The leakage test catches one that does not. BadInput when there is no such file or
    function, or when it gives anything but methods.
    """
    if not path.is_file():
        raise BadInput(f"no file {path}; give a Python file with a function methods(inputs), see docs/howto/judge.md")
    spec = importlib.util.spec_from_file_location(f"palate_method_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise BadInput(f"{path} is no Python file; its name must end with .py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    build = getattr(module, "methods", None)
    if not callable(build):
        raise BadInput(f"{path} has no function methods(inputs); see docs/howto/judge.md")

    def checked(inputs: Inputs) -> Sequence[Method]:
        made = build(inputs)
        if not isinstance(made, list | tuple) or not all(hasattr(one, "fit") and hasattr(one, "name") for one in made):
            raise BadInput(f"methods(inputs) of {path} must give a list of objects with a name and fit(known, at)")
        return list(made)

    return checked
