"""Listeners in a fixed number of parts, so that several workers share the folding of their listens.

A listener's part follows from the id alone and never changes: what is stored by part stays right whoever wrote it.
"""

import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

PARTITIONS = 16  # the most workers that can share one home; stored, so never change it
ALL = tuple(range(PARTITIONS))


def partition_of(user_id: str) -> int:
    """The part of one listener: CRC-32 of the id in UTF-8, modulo PARTITIONS."""
    return zlib.crc32(user_id.encode("utf-8", "surrogatepass")) % PARTITIONS


def partitions_of(user_ids: Sequence[str]) -> NDArray[np.uint8]:
    """(n,) the part of each listener."""
    return np.fromiter((partition_of(one) for one in user_ids), np.uint8, len(user_ids))
