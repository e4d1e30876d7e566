"""Where and by which Palate a run is made."""

import platform
import subprocess
from functools import cache
from pathlib import Path

from palate import __version__


@cache
def here() -> dict[str, str | None]:
    """palate, commit (None for an installed package), machine."""
    return {
        "palate": __version__,
        "commit": _commit(),
        "machine": f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}",
    }


def _commit() -> str | None:
    """The commit of a checkout, with `+` when files differ from it; None for an installed package."""
    folder = Path(__file__).resolve().parent
    if not any((parent / ".git").exists() for parent in folder.parents):
        return None
    git = ["git", "-C", str(folder)]
    try:
        commit = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True)
        changed = subprocess.run([*git, "diff", "--quiet", "HEAD"], capture_output=True, check=False).returncode
    except (OSError, subprocess.CalledProcessError):
        return None
    return commit.stdout.strip() + ("+" if changed else "")
