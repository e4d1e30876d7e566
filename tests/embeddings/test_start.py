"""Where a taste starts: what is told of a listener says most before the first listen, and less with each."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.core.artefacts import write_arrays
from palate.core.clock import DAY_SECONDS
from palate.core.errors import BadInput
from palate.embeddings.encoder import Encoder, feature_count
from palate.embeddings.records import UserRecord
from palate.embeddings.start import Start, taught_columns
from palate.embeddings.statics import Statics
from palate.listening.listeners import ListenerColumns

DIM = 3
STATICS = Statics({"country": ["SE"], "languages": ["en", "sv"], "device": []})
NAMES = STATICS.names
WEIGHTS = np.random.default_rng(0).standard_normal((feature_count(DIM), DIM)).astype(np.float32)
VECTOR = np.array([0.5, -1.0, 2.0], np.float32)


def start(**described: tuple[float, float, float]) -> Start:
    """A start whose columns say what is given: by the part of a name after "=", zeros for the rest."""
    table = np.zeros((len(NAMES), DIM), np.float32)
    for value, row in described.items():
        table[[place for place, name in enumerate(NAMES) if name.endswith(f"={value}")]] = row
    return Start(np.array([1.0, 0.0, 0.0], np.float32), table, STATICS)


def heard(times: int) -> UserRecord:
    record = UserRecord.empty(DIM)
    for _ in range(times):
        record.add(0, 0, VECTOR, 5.0, 1.0, False)
    return record


def told(**columns: str | None) -> ListenerColumns:
    return ListenerColumns({name: [text] for name, text in columns.items()})


SWEDE = start(SE=(0.0, 4.0, 0.0), sv=(0.0, 0.0, 2.0))


@pytest.mark.parametrize(("plays", "share"), [(0, 1), (1, 1 / 2), (3, 1 / 4)])
def test_it_is_divided_by_the_plays_and_one(plays: int, share: float) -> None:
    """The listens are all of one moment, so that none has faded."""
    records = [heard(plays)]
    assert SWEDE.added(records)[0].tolist() == pytest.approx([share, 0, 0])
    both = told(country="SE", languages="sv|en")
    assert SWEDE.added(records, both)[0].tolist() == pytest.approx([share, 4 * share, 2 * share])


def test_what_was_not_told_or_never_taught_says_nothing() -> None:
    nobody = SWEDE.added([heard(0)])
    for columns in (told(), told(country=None), told(country="XX"), told(shoe_size="44", device="toaster")):
        np.testing.assert_array_equal(SWEDE.added([heard(0)], columns), nobody)
    assert not SWEDE.described[~taught_columns(STATICS)].any()


def test_an_account_ages_until_the_latest_listen_and_of_a_stranger_until_now() -> None:
    young = start(**{"0-1": (0.0, 8.0, 0.0)})
    columns = told(account_created=repr(0.0))
    assert young.added([heard(0)], columns, now=3_600.0)[0, 1] == 8.0
    assert young.added([heard(0)], columns, now=3 * DAY_SECONDS)[0, 1] == 0.0
    assert young.added([heard(0)], columns)[0, 1] == 0.0  # nobody said what time it is
    assert young.added([heard(1)], columns, now=9 * DAY_SECONDS)[0, 1] == 4.0


def test_attributes_of_others_are_refused() -> None:
    with pytest.raises(BadInput, match="2 listeners for 1 records"):
        SWEDE.added([heard(0)], ListenerColumns({"country": ["SE", "SE"]}))


def test_the_encoder_keeps_it_in_its_file(tmp_path: Path) -> None:
    encoder = Encoder(WEIGHTS, 0.85, start=SWEDE)
    encoder.save(tmp_path / "encoder.npz")
    kept = Encoder.load(tmp_path / "encoder.npz")
    assert kept.reads_attributes
    columns = told(country="SE")
    np.testing.assert_array_equal(kept.encode([heard(1)], columns), encoder.encode([heard(1)], columns))
    np.testing.assert_allclose(kept.stranger, encoder.encode([heard(0)])[0])


def test_an_encoder_of_before_has_no_start(tmp_path: Path) -> None:
    write_arrays(tmp_path / "encoder.npz", weights=WEIGHTS, count_power=np.array(0.85))
    old = Encoder.load(tmp_path / "encoder.npz")
    assert old.start is None
    assert old.stranger is None
    assert not old.reads_attributes
    np.testing.assert_array_equal(old.encode([heard(0)], told(country="SE")), WEIGHTS[-1:])


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from([None, "SE", "XX"])), min_size=1, max_size=8))
def test_a_batch_equals_its_members(listeners: list[tuple[int, str | None]]) -> None:
    encoder = Encoder(WEIGHTS, 0.85, start=SWEDE)
    records, columns = [heard(n) for n, _ in listeners], ListenerColumns({"country": [one for _, one in listeners]})
    alone = [encoder.encode([record], columns.take([row]))[0] for row, record in enumerate(records)]
    np.testing.assert_allclose(encoder.encode(records, columns), alone, rtol=1e-5, atol=1e-5)


def test_turning_the_rows_turns_every_taste() -> None:
    turn = np.linalg.qr(np.random.default_rng(1).standard_normal((DIM, DIM)))[0].astype(np.float32)
    encoder, records = Encoder(WEIGHTS, 0.85, start=SWEDE), [heard(0), heard(2)]
    columns = ListenerColumns({"country": ["SE", "SE"]})
    turned = encoder.with_rows(encoder.rows @ turn)
    np.testing.assert_allclose(turned.encode(records, columns), encoder.encode(records, columns) @ turn, atol=1e-5)
    assert Encoder(WEIGHTS).with_rows(2 * WEIGHTS).start is None
