"""Where things live in a home: one folder with palate.toml and a folder for each thing that keeps state."""

from dataclasses import dataclass
from pathlib import Path

from palate.core.errors import MissingHome


@dataclass(frozen=True)
class Home:
    """The paths of one home. Making it touches nothing; `require()` says whether it exists."""

    root: Path

    @property
    def settings(self) -> Path:
        return self.root / "palate.toml"

    @property
    def catalog(self) -> Path:
        return self.root / "catalog"

    @property
    def listening(self) -> Path:
        return self.root / "listening"

    @property
    def log(self) -> Path:
        return self.listening / "log.sqlite"

    @property
    def listeners(self) -> Path:
        return self.listening / "listeners.npz"

    @property
    def rejects(self) -> Path:
        return self.listening / "rejects"

    @property
    def spaces(self) -> Path:
        return self.root / "spaces"

    @property
    def online(self) -> Path:
        return self.root / "online"

    @property
    def jobs(self) -> Path:
        return self.root / "jobs"

    @property
    def heads(self) -> Path:
        return self.root / "heads"

    @property
    def lab(self) -> Path:
        return self.root / "lab"

    def require(self) -> "Home":
        """The same home, if it has been made; else MissingHome with the remedy."""
        if not self.settings.is_file():
            raise MissingHome(f"{self.root} is not a Palate home (no palate.toml); run: palate --home {self.root} init")
        return self
