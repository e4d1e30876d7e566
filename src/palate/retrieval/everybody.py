"""Retrievers that read what others hear: popular, new, rising, the country, the circle; and what is hardly heard."""

import numpy as np
from numpy.typing import NDArray

from palate.core.candidates import Offer
from palate.retrieval.offers import best, nearest, wanted
from palate.retrieval.query import Query
from palate.retrieval.stock import Stock

EXPLORED = 500  # the nearest to the taste, among which the least heard are tried


def new(query: Query, stock: Stock, n: int) -> Offer:
    """What is new in the catalogue, by closeness to the taste; for a stranger by plays in the last week."""
    rows = stock.new
    scores = stock.new_vectors @ query.taste if stock.knows(query) else stock.trends.week[rows].astype(np.float32)
    if query.only is not None:
        rows, scores = rows[query.only[rows]], scores[query.only[rows]]
    order = best(rows, scores, n)
    return Offer.of(rows[order], scores[order])


def popular(query: Query, stock: Stock, n: int) -> Offer:
    """What everybody hears: plays in the last week."""
    rows = (stock.popular if query.only is None else stock.popular[query.only[stock.popular]])[:n]
    return Offer.of(rows, stock.trends.week[rows].astype(np.float32))


def rising(query: Query, stock: Stock, n: int) -> Offer:
    """What is heard more this week than in a usual week of the month, by how much more."""
    rows = stock.rising[wanted(stock.rising, query)][:n]
    return Offer.of(rows, stock.rise[rows])


def country(query: Query, stock: Stock, n: int) -> Offer:
    """What the listener's country hears, by listeners; nothing when the country is not known."""
    place = None if stock.crowds is None else stock.crowds.country(query.country)
    if stock.crowds is None or place is None:
        return Offer.none()
    return _listed(stock.crowds.country_items[place], stock.crowds.country_listeners[place], query, stock, n)


def circle(query: Query, stock: Stock, n: int) -> Offer:
    """What listeners hear whose tastes point the same way; nothing when the taste is nobody's own."""
    if stock.crowds is None or not stock.knows(query):
        return Offer.none()
    place = stock.crowds.circle(stock.direction_of(query.taste))
    if place is None:
        return Offer.none()
    return _listed(stock.crowds.circle_items[place], stock.crowds.circle_listeners[place], query, stock, n)


def rarely_heard(query: Query, stock: Stock, n: int) -> Offer:
    """Near the taste, and heard by hardly anybody: what can only be judged by being tried. The least heard first."""
    if not stock.knows(query):
        return Offer.none()
    near = nearest(query.taste, query, stock, EXPLORED)[0]
    plays = stock.trends.ever[near.items].astype(np.float32)
    order = best(near.items, -plays, n)
    return Offer.of(near.items[order], -plays[order])


def _listed(items: NDArray[np.int32], listeners: NDArray[np.int32], query: Query, stock: Stock, n: int) -> Offer:
    """The first n of a list that is best first, without its padding and what may not be offered."""
    there = (items >= 0) & (items < stock.n_items)
    rows = items[there]
    kept = stock.columns.available[rows] & wanted(rows, query)
    return Offer.of(rows[kept][:n], listeners[there][kept][:n].astype(np.float32))
