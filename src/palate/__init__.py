"""Palate, a taste engine for audio: one vector per listener and item, behind every surface."""

__version__ = "0.1.0"
