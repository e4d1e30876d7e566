"""The birth certificate of a measurement: machine, load, versions, date, commit."""

import datetime
import os
import platform
import subprocess
from pathlib import Path


def stamp() -> str:
    """One line to print above a table."""
    git = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--exclude=*"]
    commit = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip() or "unknown"
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    return f"{machine}, Python {platform.python_version()}, {datetime.date.today()}, commit {commit}"


if __name__ == "__main__":
    print(stamp())
