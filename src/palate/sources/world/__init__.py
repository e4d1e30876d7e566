"""A simulated year of listening with a known truth. Nobody in it is real; every id begins with `sim-`.

Takes: settings (how large) and a seed.
Gives: World: items, listens, playlists, listeners, and the Truth that was planted in them.
Promises: the same seed and settings give the same world on every machine; no loop over listens, at any size.
Does not know: models; nothing that recommends may read the truth, only what measures it.
"""

from palate.sources.world.listeners import Listener
from palate.sources.world.settings import WorldSettings
from palate.sources.world.simulate import World, read_truth, simulate
from palate.sources.world.truth import Truth

__all__ = ["Listener", "Truth", "World", "WorldSettings", "read_truth", "simulate"]
