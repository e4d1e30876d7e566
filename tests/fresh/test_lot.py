"""A lot is folded in blocks of listeners: however large these are, the states are the same."""

import numpy as np
import pytest

from palate.core.clock import DAY_SECONDS
from palate.core.errors import Corrupt
from palate.core.items import KINDS
from palate.embeddings.encoder import Encoder, feature_count
from palate.embeddings.records import UserRecord
from palate.embeddings.states import UserState
from palate.fresh import lot
from palate.fresh.lot import Lot

N_USERS, N_ITEMS, DIM, N = 7, 12, 4, 60
RNG = np.random.default_rng(3)
VECTORS = RNG.standard_normal((N_ITEMS, DIM)).astype(np.float32)
ENCODER = Encoder(RNG.standard_normal((feature_count(DIM), DIM)).astype(np.float32))


def a_lot() -> Lot:
    """Listens of seven listeners in any order, two of whom have a state."""
    known = UserRecord.empty(DIM)
    known.add(3, 0, VECTORS[3], 5.0 * DAY_SECONDS, 1.0, False)
    state = UserState(np.zeros(DIM, np.float32), known).pack()
    item, skip = RNG.integers(0, N_ITEMS, N), RNG.random(N) < 0.2
    user = np.concatenate([np.arange(N_USERS), RNG.integers(0, N_USERS, N - N_USERS)])
    return Lot(
        users=[f"u{number}" for number in range(N_USERS)],
        stored=[None, state, None, None, state, None, None],
        told=None,
        user=user,
        item=item,
        kind=(item % len(KINDS)).astype(np.uint8),
        moment=RNG.uniform(0, 90, N) * DAY_SECONDS,
        weight=np.where(skip, 0.0, 1.0).astype(np.float32),
        skip=skip,
        play=RNG.random(N) < 0.9,
        mark=np.zeros(N, np.uint8),
        offset=np.arange(N),
    )


@pytest.mark.parametrize("block", [1, 2, 3, N_USERS, 100])
def test_blocks_of_any_size_equal_one_listen_after_another(monkeypatch, block):
    monkeypatch.setattr(lot, "BLOCK", block)
    one = a_lot()
    states = [UserState.unpack(state) for state in one.folded(VECTORS, ENCODER)]
    expected = [UserRecord.empty(DIM) if s is None else UserState.unpack(s).record for s in one.stored]
    for n, (user, item) in enumerate(zip(one.user.tolist(), one.item.tolist(), strict=True)):
        expected[user].add(
            item, int(one.kind[n]), VECTORS[item], float(one.moment[n]), float(one.weight[n]), bool(one.skip[n]),
            bool(one.play[n]),
        )  # fmt: skip
    np.testing.assert_allclose([state.taste for state in states], ENCODER.encode(expected), rtol=1e-4, atol=1e-5)
    for state, record in zip(states, expected, strict=True):
        np.testing.assert_allclose(state.record.sums, record.sums, rtol=1e-5, atol=1e-6)
        assert state.record.plays.tolist() == record.plays.tolist()
        assert (state.record.at, state.record.first) == (record.at, record.first)


@pytest.mark.parametrize("moment", [np.nan, np.inf])
def test_a_moment_that_is_no_number_gives_an_error_and_no_state(moment):
    one = a_lot()
    one.moment[8] = moment
    with pytest.raises(ValueError, match="finite"):
        one.folded(VECTORS, ENCODER)


def test_a_state_that_is_none_is_refused():
    one = a_lot()
    one.stored[5] = b"rubbish"
    with pytest.raises(Corrupt, match="cannot be read"):
        one.folded(VECTORS, ENCODER)
