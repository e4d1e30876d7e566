"""What listens to a recording as it is decoded, chunk after chunk, and says something of it at the end."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]  # (n,) mono or (n, channels), from -1 to 1


class Analyser(Protocol):
    """One pass over a recording. Memory must not grow by more than about 1 MB for each minute of it.

    rate_hz  the rate at which it listens; None for that of the file
    mono     whether it hears the mean of the channels, (n,), or all of them, (n, channels)
    """

    rate_hz: int | None
    mono: bool

    def feed(self, samples: Samples) -> None:
        """The next samples; the chunks are of any length."""
        ...

    def finish(self) -> dict[str, Any]:
        """Fields of Sound by name, `vectors` among them as a dict of its own; asked once, after the last samples."""
        ...
