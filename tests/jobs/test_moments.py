"""A space at another moment: at that of its training it is as published, before the first listen nothing is heard."""

from dataclasses import fields, replace

import numpy as np

from palate.core.home import Home
from palate.embeddings.space import Spaces
from palate.jobs.inputs import gather
from palate.jobs.moments import known_to, stock_then
from palate.surfaces.live import open_stock


def test_at_the_moment_of_its_training_a_space_is_as_published(trained: Home) -> None:
    space, history = Spaces(trained.spaces).live, gather(trained).history
    published, then = open_stock(space), stock_then(space, known_to(space, history), space.manifest["moment"])
    np.testing.assert_array_equal(then.vectors, published.vectors)
    for field in fields(published.trends):
        np.testing.assert_array_equal(getattr(then.trends, field.name), getattr(published.trends, field.name))
    near, as_published = (stock.index.nearest(published.vectors[0], 10) for stock in (then, published))
    np.testing.assert_array_equal(near, as_published)


def test_before_the_first_listen_only_popularity_and_trends_are_gone(trained: Home) -> None:
    space, history = Spaces(trained.spaces).live, gather(trained).history
    published, then = open_stock(space), stock_then(space, history.until(0.0), 0.0)
    np.testing.assert_array_equal(then.vectors[:, :-1], published.vectors[:, :-1])
    assert not then.vectors[:, -1].any()
    assert not then.trends.ever.any()


def test_items_that_came_after_the_space_are_unknown_to_it(trained: Home) -> None:
    space, history = Spaces(trained.spaces).live, gather(trained).history
    item = history.item.copy()
    item[::2] += history.n_items
    known = known_to(space, replace(history, item=item, n_items=2 * history.n_items))
    assert known.n_items == history.n_items == space.manifest["items"]
    np.testing.assert_array_equal(known.item, history.item[1::2])
    np.testing.assert_array_equal(known.timestamp, history.timestamp[1::2])
