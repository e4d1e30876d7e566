"""Claims about what everybody does, as of the moment at which the space was made."""

from unicodedata import normalize

import numpy as np

from palate.core.items import Kind
from palate.evaluation.claims.facts import Facts
from palate.evaluation.claims.listener import DAYS_WITHIN
from palate.evaluation.claims.registry import Evidence, Said, checks, differs


def _item(one: Evidence, said: Said) -> str:
    return str(one["item_id"]) if "item_id" in one else said.about(one)


@checks("popular")
def popular(one: Evidence, said: Said, facts: Facts) -> str | None:
    """`plays` in `days`, or ever; of nothing that was never played."""
    days = np.inf if one["days"] is None else one["days"]
    return differs("plays", one["plays"], len(facts.everybody(_item(one, said), days))) or _some(one["plays"])


@checks("new")
def new(one: Evidence, said: Said, facts: Facts) -> str | None:
    """`plays` ever, and the `days` since the first; None for never."""
    heard = facts.everybody(_item(one, said))
    wrong = differs("plays", one["plays"], len(heard))
    if wrong or not heard:
        return wrong or (None if one["days"] is None else f"days is {one['days']}, and it was never heard")
    return differs("days", one["days"], facts.days_since(min(play.when for play in heard)), DAYS_WITHIN)


@checks("rising")
def rising(one: Evidence, said: Said, facts: Facts) -> str | None:
    """Plays in the last `week` and `month` of four weeks; more in the week than in a usual one."""
    week, month = (len(facts.everybody(_item(one, said), days)) for days in (7, 28))
    usual = None if 4 * one["week"] > one["month"] else "it is not heard more than usual"
    return differs("week", one["week"], week) or differs("month", one["month"], month) or usual


@checks("cohort")
def cohort(one: Evidence, said: Said, facts: Facts) -> str | None:
    """`plays` in `days` by listeners of the country."""
    heard = facts.everybody(_item(one, said), one["days"])
    return differs("plays", one["plays"], sum(facts.country(play.user) == one["country"] for play in heard))


@checks("circle")
def circle(one: Evidence, said: Said, facts: Facts) -> str | None:
    """`listeners` of this listener's circle heard it, `plays` times in `days`."""
    mine = None if said.user_id is None else facts.circle(said.user_id)
    if mine is None:
        return f"{said.user_id} is in no circle"
    heard = [play.user for play in facts.everybody(_item(one, said), one["days"]) if facts.circle(play.user) == mine]
    return differs("listeners", one["listeners"], len(set(heard))) or differs("plays", one["plays"], len(heard))


@checks("exploration")
def exploration(one: Evidence, said: Said, facts: Facts) -> str | None:
    """Put there by chance: `plays` ever, and a `propensity` above 0 and at most 1, which nobody can count anew."""
    wrong = differs("plays", one["plays"], len(facts.everybody(_item(one, said))))
    return wrong or (None if 0.0 < one["propensity"] <= 1.0 else f"propensity is {one['propensity']}")


@checks("offer")
def offer(one: Evidence, said: Said, facts: Facts) -> str | None:
    """What a newcomer may pick: an artist or show by `name`, with `item_id` of it, and the `plays` of its items."""
    is_show = {"artist": False, "show": True}[one["kind"]]
    of = [item for item in facts.items if item.available and (item.kind == Kind.EPISODE) == is_show]
    named = [(item.collection if is_show else next(iter(item.artists), None)) for item in of]
    ids = {str(item.item_id) for item, name in zip(of, named, strict=True) if name and _same(name, one["name"])}
    if one["item_id"] not in ids:
        return f"{one['item_id']} is not of {one['name']}"
    return differs("plays", one["plays"], sum(len(facts.everybody(item)) for item in ids))


def _same(one: str, other: str) -> bool:
    """Whether two names differ in nothing but case, accents and signs."""
    plain = ("".join(c for c in normalize("NFKD", name.casefold()) if c.isalnum()) for name in (one, other))
    return len(set(plain)) == 1


def _some(plays: int) -> str | None:
    return None if plays > 0 else "nobody played it"
