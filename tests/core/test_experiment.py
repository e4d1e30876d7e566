"""Assignment: the same everywhere, in proportion to the weights, independent between experiments, and sticky."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import chdtrc

from palate.core.errors import BadInput, BadSettings
from palate.core.experiment import CONTROL, Experiment, ExperimentSettings, experiment, experiments
from palate.core.ids import UserId
from palate.core.settings import Settings, read_settings

USERS = [UserId(f"user-{number}") for number in range(6_000)]


def made(name: str = "spread", **settings: object) -> Experiment:
    return Experiment(name, ExperimentSettings(**settings))  # type: ignore[arg-type]


def dealt(one: Experiment, users: list[UserId] = USERS) -> list[str | None]:
    return [one.assign(user) for user in users]


def chi_square(met: np.ndarray, expected: np.ndarray) -> float:
    """The p-value of Pearson's test; degrees of freedom of a table with fixed margins, or of a single row."""
    rows, columns = np.atleast_2d(met).shape
    free = max(rows - 1, 1) * (columns - 1)
    return float(chdtrc(free, ((met - expected) ** 2 / expected).sum()))


def test_assignments_never_change():
    """Golden: a server of tomorrow, on another machine, has to agree with one of today."""
    three = made(variants={CONTROL: 2.0, "a": 1.0, "b": 1.0}, salt="second", holdback=0.25)
    users = [UserId(user) for user in ("ana", "bo", "5879", "söng ☃", "", "\ud800", "x" * 512, "dan")]
    c, t = CONTROL, "treatment"
    assert [made().assign(user) for user in users] == [c, c, c, t, t, c, t, c]
    assert [three.assign(user) for user in users] == [c, "b", c, None, None, "b", "b", c]


@pytest.mark.parametrize(
    "weights",
    [{CONTROL: 0.5, "b": 0.5}, {CONTROL: 0.9, "b": 0.1}, {CONTROL: 1, "b": 1, "c": 2}, {CONTROL: 98, "b": 1, "c": 1}],
    ids=str,
)
def test_shares_are_those_of_the_weights(weights):
    one = made(variants=weights)
    variants = dealt(one)
    counts = np.array([variants.count(name) for name in weights], float)
    assert chi_square(counts, np.array(list(one.shares.values())) * len(USERS)) > 0.001


def test_one_look_in_twenty_is_unusual():
    """p-values over 200 salts are spread evenly, so assignment is as random as a coin, and not more even than one."""
    low = 0
    for number in range(200):
        count = dealt(made(salt=f"s{number}"), USERS[:500]).count(CONTROL)
        low += chi_square(np.array([count, 500 - count]), np.array([250.0, 250.0])) < 0.2
    assert 20 <= low <= 62  # 40 are expected, 5.7 is one standard deviation


@pytest.mark.parametrize(
    "other",
    [made("other"), made(salt="again"), made("other", layer="home"), made("spread2")],
    ids=["another name", "another salt", "a layer", "a name that begins alike"],
)
def test_two_experiments_divide_independently(other):
    table = np.zeros((2, 2))
    for mine, theirs in zip(dealt(made()), dealt(other), strict=True):
        table[int(mine == CONTROL), int(theirs == CONTROL)] += 1
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    assert chi_square(table, expected) > 0.001


def test_neighbouring_ids_are_not_dealt_alike():
    controls = np.array([variant == CONTROL for variant in dealt(made())])
    alike = np.mean(controls[1:] == controls[:-1])
    assert abs(alike - 0.5) < 4 * 0.5 / np.sqrt(len(USERS))


def test_a_changed_weight_moves_listeners_only_to_what_grew():
    before = dealt(made(variants={CONTROL: 1, "a": 1, "b": 1}))
    after = dealt(made(variants={CONTROL: 1, "a": 1, "b": 2}))
    moved = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert {new for _, new in moved} == {"b"}
    assert len(moved) / len(USERS) == pytest.approx(2 / 4 - 1 / 3, abs=0.02)  # the least that can move


def test_a_new_variant_takes_its_share_from_all_and_a_stopped_one_gives_it_back():
    two, three = made(variants={CONTROL: 1, "a": 1}), made(variants={CONTROL: 1, "a": 1, "b": 1})
    moved = [(old, new) for old, new in zip(dealt(two), dealt(three), strict=True) if old != new]
    assert {new for _, new in moved} == {"b"}
    assert [old for old, _ in moved].count(CONTROL) / len(moved) == pytest.approx(1 / 2, abs=0.03)


def test_only_the_ratios_and_names_of_the_weights_matter():
    assert dealt(made(variants={CONTROL: 0.2, "b": 0.3})) == dealt(made(variants={"b": 30, CONTROL: 20}))


def test_the_holdback_is_in_no_variant_and_shrinking_it_moves_nobody():
    before, after = dealt(made(holdback=0.4)), dealt(made(holdback=0.1))
    assert before.count(None) / len(USERS) == pytest.approx(0.4, abs=0.02)
    assert after.count(None) / len(USERS) == pytest.approx(0.1, abs=0.02)
    assert all(new == old for old, new in zip(before, after, strict=True) if old is not None)
    assert before.count(CONTROL) / (len(USERS) - before.count(None)) == pytest.approx(0.5, abs=0.02)


def test_experiments_of_one_layer_share_its_listeners_out():
    parts = [
        made(name, layer="home", within=within, salt=name)
        for name, within in {"a": (0.0, 0.3), "b": (0.3, 0.8), "c": (0.8, 1.0)}.items()
    ]
    places = [[variant is not None for variant in dealt(one)] for one in parts]
    assert np.sum(places, axis=0).tolist() == [1] * len(USERS)
    assert np.mean(places, axis=1) == pytest.approx([0.3, 0.5, 0.2], abs=0.02)


@given(st.text(max_size=20), st.floats(0.001, 1_000.0))
def test_anybody_has_exactly_one_variant(user, weight):
    one = made(variants={CONTROL: weight, "b": 1.0})
    assert one.assign(UserId(user)) in one.shares
    assert one.assign(UserId(user)) == one.assign(UserId(user))
    assert sum(one.shares.values()) == pytest.approx(1.0)


@given(st.lists(st.floats(0.01, 100.0), min_size=2, max_size=6))
def test_a_growing_variant_never_loses_anybody(weights):
    sizes = []
    for weight in sorted(weights):
        one = made(variants={CONTROL: 1.0, "b": weight})
        sizes.append({user for user in USERS[:200] if one.assign(user) == "b"})
    assert all(small <= large for small, large in pairwise(sizes))


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"variants": {"a": 1.0, "b": 1.0}}, "one called control"),
        ({"variants": {CONTROL: 1.0}}, "at least one other"),
        ({"variants": {CONTROL: 1.0, "b": 0.0}}, "a weight is above 0"),
        ({"variants": {CONTROL: 1.0, "b": float("nan")}}, "a weight is above 0"),
        ({"variants": {CONTROL: 1.0, "a|b": 1.0}}, "is no name"),
        ({"salt": "a|b"}, "is no name"),
        ({"within": (0.5, 0.5)}, "two ascending numbers"),
        ({"within": (0.5,)}, "two ascending numbers"),
        ({"holdback": 1.0}, "below 1"),
        ({"window_days": 0.0}, "above 0"),
        ({"guardrails": {"skip_share": 1.5}}, "margin"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(settings, says):
    with pytest.raises(BadSettings, match=says):
        ExperimentSettings(**settings)


def test_a_name_has_no_bar():
    with pytest.raises(BadSettings, match="is no name"):
        made("a|b")


def test_experiments_are_declared_in_palate_toml(tmp_path):
    path = tmp_path / "palate.toml"
    path.write_text(
        "[experiments.spread]\nvariants = {control = 1, spread = 3}\nguardrails = {skip_share = 0.01}\n"
        "[experiments.calm]\nsurface = 'radio'\n"
    )
    declared = experiments(read_settings(path))
    assert list(declared) == ["spread", "calm"]
    assert declared["spread"].shares == {CONTROL: 0.25, "spread": 0.75}
    assert declared["spread"].settings.guardrails == {"skip_share": 0.01}
    assert declared["calm"].settings.surface == "radio"
    assert experiments(Settings()) == {}


@pytest.mark.parametrize(
    ("tables", "says"),
    [
        ({"a": {"colour": "red"}}, "experiment a: .experiments. colour is not a setting"),
        ({"a": {"salt": 3}}, "must be of type str"),
        ({"a": {"variants": {"control": 1.0}}}, "at least one other"),
        ({"a": 3}, "a is no table"),
        ({"a|b": {}}, "is no name"),
        ({"a": {"layer": "l"}, "b": {"layer": "l", "salt": "s", "within": [0.5, 1.0]}}, "a and b overlap"),
    ],
    ids=str,
)
def test_a_wrong_declaration_names_the_experiment(tables, says):
    with pytest.raises(BadSettings, match=says):
        experiments(Settings({"experiments": tables}, "palate.toml"))


def test_an_experiment_that_nobody_declared():
    with pytest.raises(BadInput, match=r"declare it in palate\.toml"):
        experiment(Settings({}, "palate.toml"), "spread")
    with pytest.raises(BadInput, match="choose from calm"):
        experiment(Settings({"experiments": {"calm": {}}}), "spread")
