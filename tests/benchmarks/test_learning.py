"""The parts of the peers, against answers that are known without training."""

from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.core.clock import DAY_SECONDS
from palate.embeddings.records import HALF_LIVES_DAYS

from .halves import halves, history_of

torch = pytest.importorskip("torch", reason="the peers learn with torch, which is not installed")


@pytest.fixture(scope="module")
def learning() -> ModuleType:
    from peers import learning

    return learning


@pytest.fixture(scope="module")
def skipgram() -> ModuleType:
    from peers import skipgram

    return skipgram


@pytest.fixture(scope="module")
def sasrec() -> ModuleType:
    from peers import sasrec

    return sasrec


def heard_of(learning: ModuleType, users: list[int], days: list[float]) -> object:
    """Plays of items 0, 1, 2 ... by these listeners on these days."""
    seconds = np.array(days) * DAY_SECONDS
    return learning.Heard.of(history_of(np.array(users), np.arange(len(users)), seconds, 10, len(users) + 1))


class TestHeard:
    def test_numbers_have_no_gaps_and_listeners_stand_together(self, learning) -> None:
        history = history_of(np.array([7, 2, 7]), np.array([5, 9, 5]), np.array([3.0, 2.0, 1.0]), 8, 10)
        heard = learning.Heard.of(history)
        assert heard.users.tolist() == [2, 7]
        assert heard.items.tolist() == [5, 9]
        assert heard.user.tolist() == [0, 1, 1]
        assert heard.item.tolist() == [1, 0, 0]
        assert heard.time.tolist() == [2.0, 1.0, 3.0]
        assert heard.plays.tolist() == [2, 1]
        assert heard.before(2.5).item.tolist() == [1, 0]
        spread = heard.spread(torch.tensor([[1.0], [2.0]]), 10)
        assert spread[[5, 9], 0].tolist() == [1.0, 2.0]
        assert np.count_nonzero(spread) == 2


class TestLosses:
    def test_with_every_item_drawn_once_it_is_the_full_softmax(self, learning) -> None:
        generator = torch.Generator().manual_seed(0)
        states, vectors = (torch.randn(n, 4, generator=generator) for n in (3, 6))
        positives, everything = torch.tensor([0, 5, 2]), torch.arange(6)
        uniform = torch.full((6,), -np.log(6.0))
        missed = learning.sampled_softmax(states, positives, vectors, everything, uniform)
        expected = torch.nn.functional.cross_entropy(states @ vectors.T, positives)
        torch.testing.assert_close(missed, expected)

    def test_often_drawn_items_count_less(self, learning) -> None:
        states, vectors = torch.ones(1, 1), torch.zeros(3, 1)
        often = torch.log(torch.tensor([0.25, 0.5, 0.25]))
        missed = learning.sampled_softmax(states, torch.tensor([0]), vectors, torch.tensor([1, 2]), often)
        # of two draws, item 1 stands for 1 / (2 x .5) items and item 2 for 1 / (2 x .25)
        torch.testing.assert_close(missed, torch.log(torch.tensor(1.0 + 1.0 + 2.0)))

    def test_gbce_with_all_negatives_is_binary_cross_entropy(self, learning) -> None:
        states, vectors = torch.ones(1, 1), torch.tensor([[1.0], [2.0], [-1.0]])
        missed = learning.gbce(states, torch.tensor([0]), vectors, torch.tensor([1, 2]), calibration=0.75)
        expected = np.log(1 + np.exp(-1.0)) + np.log(1 + np.exp(2.0)) + np.log(1 + np.exp(-1.0))
        torch.testing.assert_close(missed, torch.tensor(expected, dtype=torch.float32))

    def test_gbce_raises_the_positive_to_beta(self, learning) -> None:
        states, vectors = torch.ones(1, 1), torch.zeros(5, 1)  # one of four negatives is drawn
        missed = learning.gbce(states, torch.tensor([0]), vectors, torch.tensor([1]), calibration=0.75)
        beta = 1 / 4 * (0.75 * (1 - 4) + 4)
        torch.testing.assert_close(missed, torch.tensor((beta + 1) * np.log(2.0), dtype=torch.float32))

    def test_negatives_are_drawn_by_a_power_of_plays(self, learning) -> None:
        drawn = learning.Negatives.of(np.array([1, 4, 16]), 0.5)
        torch.testing.assert_close(drawn.log_share.exp(), torch.tensor([1 / 7, 2 / 7, 4 / 7]))
        counts = np.bincount(drawn.draw(70_000, np.random.default_rng(0)).numpy(), minlength=3)
        np.testing.assert_allclose(counts, [10_000, 20_000, 40_000], rtol=0.03)

    def test_one_seed_gives_one_stream_and_leaves_the_callers_alone(self, learning) -> None:
        torch.manual_seed(5)
        expected = torch.randn(2)
        torch.manual_seed(5)
        with learning.alone(1) as rng:
            first = (torch.randn(2).tolist(), rng.random())
        assert torch.equal(torch.randn(2), expected)
        with learning.alone(1) as rng:
            assert (torch.randn(2).tolist(), rng.random()) == first


class TestCompany:
    def test_neighbours_both_ways_within_one_group(self, skipgram) -> None:
        item, group = np.array([1, 2, 3, 4]), np.array([0, 0, 0, 1])
        left, right = skipgram.company(item, group, 1, np.random.default_rng(0))
        assert sorted(zip(left.tolist(), right.tolist(), strict=True)) == [(1, 2), (2, 1), (2, 3), (3, 2)]

    def test_far_neighbours_are_rarer(self, skipgram) -> None:
        item = np.tile([1, 2, 3], 20_000)
        left, right = skipgram.company(item, np.arange(60_000) // 3, 2, np.random.default_rng(0))
        near, far = (left + right == 3).sum() / 40_000, ((left == 1) & (right == 3)).sum() / 20_000
        assert near == 1.0
        assert far == pytest.approx(0.5, abs=0.02)

    @given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), max_size=30), st.integers(1, 6))
    def test_pairs_are_of_one_group_and_never_of_an_item_with_itself(self, skipgram, plays, window) -> None:
        plays = sorted(plays, key=lambda play: play[0])
        group, item = (np.array([play[side] for play in plays], np.int64) for side in (0, 1))
        left, right = skipgram.company(item, group, window, np.random.default_rng(0))
        together = {(a, b) for g, a in plays for h, b in plays if g == h and a != b}
        assert {*zip(left.tolist(), right.tolist(), strict=True)} <= together

    def test_only_popular_items_are_left_out(self, skipgram) -> None:
        shares = skipgram.kept_share(np.array([90, 9, 1]), 0.01)
        assert shares.tolist() == pytest.approx([np.sqrt(1 / 90) + 1 / 90, 1 / 3 + 1 / 9, 1.0])
        assert skipgram.kept_share(np.array([90, 9, 1]), 0.0).tolist() == [1.0, 1.0, 1.0]


class TestSequences:
    def test_how_far_ahead_a_play_may_look(self, learning, sasrec) -> None:
        heard = heard_of(learning, [0, 0, 0, 1, 1], [0.0, 10.0, 40.0, 5.0, 6.0])
        assert sasrec.last_ahead(heard, 28.0).tolist() == [1, 1, 2, 4, 4]
        assert sasrec.last_ahead(heard, None).tolist() == [2, 2, 2, 4, 4]

    @given(st.lists(st.integers(0, 9), max_size=60), st.integers(1, 7))
    def test_each_pass_reads_every_play_once_in_order(self, learning, sasrec, users, length) -> None:
        heard = heard_of(learning, users, [float(day) for day in range(len(users))])
        seen = []
        for rows in sasrec.batches(heard, length, np.random.default_rng(0)):
            assert rows.shape[1] <= length
            for row in rows.tolist():
                kept = [place for place in row if place >= 0]
                assert row == [-1] * (len(row) - len(kept)) + kept
                assert kept == list(range(kept[0], kept[-1] + 1))
                assert len({int(heard.user[place]) for place in kept}) == 1
                seen += kept
        assert sorted(seen) == list(range(len(heard)))

    def test_a_state_does_not_see_what_comes_after_it(self, learning, sasrec) -> None:
        with learning.alone(0):
            model = sasrec.Transformer(torch.randn(9, 8), sasrec.SasRec(dim=8, length=6)).eval()
        one, two = torch.tensor([[-1, 1, 2, 3]]), torch.tensor([[-1, 1, 2, 8]])
        torch.testing.assert_close(model(one)[:, 1:3], model(two)[:, 1:3])
        assert (model(one)[:, 3] - model(two)[:, 3]).abs().max() > 0.01

    def test_padding_changes_nothing(self, learning, sasrec) -> None:
        with learning.alone(0):
            model = sasrec.Transformer(torch.randn(9, 8), sasrec.SasRec(dim=8, length=6)).eval()
        short, long = torch.tensor([[4, 5]]), torch.tensor([[-1, -1, -1, 4, 5]])
        torch.testing.assert_close(model(short)[0, -1], model(long)[0, -1])


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 4), st.floats(0.0, 400.0)), min_size=1, max_size=20))
def test_windows_are_decayed_means_seen_from_the_latest_play(plays) -> None:
    from peers import two_tower

    user, item = (np.array([play[side] for play in plays], np.int64) for side in (0, 1))
    day = np.array([play[2] for play in plays])
    windows = two_tower.Windows.of(user, item, day * DAY_SECONDS, (3, 5))
    for place, half_life in enumerate(HALF_LIVES_DAYS):
        expected = np.zeros((3, 5))
        for who, what, when in plays:
            expected[who, what] += 0.5 ** ((day[user == who].max() - when) / half_life)
        np.testing.assert_allclose(windows.counts[:, place], expected.sum(axis=1), rtol=1e-5)
        shares = expected / np.maximum(expected.sum(axis=1, keepdims=True), 1e-30)
        np.testing.assert_allclose(windows.shares[place].toarray(), shares, atol=1e-6)


def test_the_graph_smooths_like_the_paper() -> None:
    from scipy import sparse

    from peers import lightgcn

    edges = sparse.csr_array(np.array([[1.0, 1.0], [0.0, 1.0]]))  # listener 0 heard both items, listener 1 the second
    graph = lightgcn.Graph.of(edges)
    half = 1 / np.sqrt(2)
    expected = np.array([[0, 0, half, 1 / 2], [0, 0, 0, half], [half, 0, 0, 0], [1 / 2, half, 0, 0]])
    np.testing.assert_allclose(graph.both.toarray(), expected, rtol=1e-6)
    start = torch.arange(4.0)[:, None].requires_grad_()
    lightgcn.Smoothed.apply(start, graph, 1)[0].sum().backward()
    np.testing.assert_allclose(start.grad[:, 0].numpy(), (np.eye(4)[0] + expected[0]) / 2, rtol=1e-6)


def test_the_held_out_week_is_the_last_one(learning) -> None:
    known = halves()
    held = learning.HeldOut.of(known, known.history.end)
    assert held.part.known.history.end <= known.history.end - 7 * DAY_SECONDS
    assert len(held.asked) > 10
    perfect = np.zeros((known.history.n_items, 1), np.float32)
    assert held.mark(perfect, lambda history, at, users: np.ones((len(users), 1), np.float32)) == 0.0
