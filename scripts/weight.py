"""Prints what the base install and the `train` extra cost on disk, for docs/reference/weight.md.

python scripts/weight.py      in an environment with `palate[train]` installed
"""

import importlib.metadata
import re
import tomllib
from pathlib import Path

Installed = dict[str, importlib.metadata.Distribution]


def closure(requirements: list[str], known: Installed) -> Installed:
    """The distributions that `requirements` bring and `known` does not have, by name."""
    found: Installed = {}
    for requirement in requirements:
        name = re.split(r"[<>=!~\[; (]", requirement)[0].lower().replace("_", "-")
        if "extra ==" in requirement or name in known:
            continue
        try:
            one = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # needed on another system only
        found[name] = one
        found |= closure(one.requires or [], known | found)
    return found


def megabytes(one: importlib.metadata.Distribution) -> float:
    """The size of its files, compiled modules included."""
    paths = [Path(str(one.locate_file(file))) for file in one.files or []]
    return sum(path.stat().st_size for path in paths if path.exists()) / 1e6


def main() -> None:
    """One table for each."""
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    base = closure(project["dependencies"], {})
    train = closure(project["optional-dependencies"]["train"], base)
    for title, brought in (("base", base), ("train, on top", train)):
        sizes = {f"{name} {one.version}": megabytes(one) for name, one in brought.items()}
        print(f"{title}: {len(sizes)} packages, {sum(sizes.values()):.0f} MB")
        for name, size in sorted(sizes.items(), key=lambda pair: -pair[1]):
            print(f"| {name} | {size:.1f} |")


if __name__ == "__main__":
    main()
