"""Heads: small models that another team trains on frozen vectors, registers, and asks in the request path.

Takes: examples (who, which item, when) with labels, and a published version of the space.
Gives: a Frame of what was known before each example, a Head that learns from it, versions of it, scores for a request.
Promises: nothing of a frame is from its moment or later; a version never changes and says which space it was taught on;
a head that cannot answer says why and raises nothing.
Does not know: what the labels mean, what a surface does with the scores.
"""

from palate.heads.frame import Frame, frame
from palate.heads.head import Head
from palate.heads.registry import Heads
from palate.heads.serving import LiveHeads, Scores

__all__ = ["Frame", "Head", "Heads", "LiveHeads", "Scores", "frame"]
