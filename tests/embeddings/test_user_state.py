"""A taste and its record, as one value in the store."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from palate.core.errors import Corrupt
from palate.embeddings.records import UserRecord
from palate.embeddings.states import UserState

from .worlds import assert_same_record

TASTE = np.array([0.5, -1.25, 3.0], np.float32)


def state() -> UserState:
    record = UserRecord.empty(3)
    record.add(4, 1, TASTE, 1_000.0, 1.0, False)
    return UserState(TASTE, record)


def test_what_is_packed_comes_back() -> None:
    back = UserState.unpack(state().pack())
    assert back.taste.tolist() == TASTE.tolist()
    assert back.taste.dtype == np.float32
    assert_same_record(back.record, state().record, tolerance=0.0)


def test_a_record_that_was_read_can_be_added_to() -> None:
    back, expected = UserState.unpack(state().pack()).record, state().record
    for record in (back, expected):
        record.add(2, 0, TASTE, 2_000.0, 1.0, False)
    assert_same_record(back, expected)


def test_a_torn_state_is_refused() -> None:
    data = state().pack()
    for length in range(len(data)):
        with pytest.raises(Corrupt, match="palate train"):
            UserState.unpack(data[:length])


@given(st.binary(max_size=100))
def test_foreign_bytes_are_no_state(data: bytes) -> None:
    assume(b"\1\0\0\0" not in data)
    with pytest.raises(Corrupt, match="palate train"):
        UserState.unpack(data)
