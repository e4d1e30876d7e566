"""A search over two settings, of which only `a.x` matters: the objective is highest at x = 0.7."""

import pytest

from palate.core.settings import Range
from palate.lab.sweeps.space import Dimension
from palate.lab.sweeps.spec import Spec
from palate.lab.sweeps.study import Search

SPACE = {"a.x": Dimension("a.x", float, Range(0.0, 1.0)), "a.y": Dimension("a.y", float, Range(0.0, 1.0))}
TODAY = {"a.x": 0.2, "a.y": 0.5}


def objective(values):
    return 1.0 - (values["a.x"] - 0.7) ** 2


@pytest.fixture
def make_search(book, tmp_path):
    """make_search(seed=...) opens the same study, as another process would."""
    return lambda seed=0: Search(tmp_path / "sweep" / "study.sqlite", SPACE, seed, book.runs_folder)


@pytest.fixture
def search(make_search):
    return make_search()


@pytest.fixture
def begin(start):
    """What a worker does with a trial that it has claimed."""
    return lambda number, values: start("sweep trial", name=str(number))


@pytest.fixture
def try_once(search, begin):
    """try_once() claims a trial, gives it its objective, and ends its run; the trial."""

    def tried(of=objective):
        claimed = search.claim(10_000, begin)
        claimed.complete([of(claimed.values)])
        claimed.run.finish()
        return claimed

    return tried


@pytest.fixture
def spec():
    return Spec(
        target="cakes", metric="taste of the cake", where=("x=0:1",), space=SPACE, fixed={}, today=TODAY,
        settings={"a": {"x": 0.2, "y": 0.5}}, seed=0, held_out=2, data="abc", created=1.0, group="first",
        about={"simulated": True},
    )  # fmt: skip
