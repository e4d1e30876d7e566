"""Claims about what the listener did."""

import math

import numpy as np

from palate.core.listens import Event
from palate.evaluation.claims.facts import CHOICES, DAY, Facts
from palate.evaluation.claims.registry import Evidence, Said, checks, differs
from palate.evaluation.claims.words import named_like

DAYS_WITHIN = 0.006  # days are told to two places


@checks("listen")
def listen(one: Evidence, said: Said, facts: Facts) -> str | None:
    """`plays` of `item_id` by this listener, the last of them `days_ago`."""
    played = facts.plays(said.user_id, str(facts.item(one["item_id"]).item_id))
    if not played:
        return f"{said.user_id} never played {one['item_id']}"
    ago = facts.days_since(max(played))
    return differs("plays", one["plays"], len(played)) or differs("days_ago", one["days_ago"], ago, DAYS_WITHIN)


@checks("choice")
def choice(one: Evidence, said: Said, facts: Facts) -> str | None:
    """Saved, put on a playlist or picked by this listener, and never heard; or picked in the request."""
    if one["item_id"] in said.picked:
        return None
    if facts.plays(said.user_id, one["item_id"]):
        return f"{said.user_id} played {one['item_id']}"
    chosen = facts.did(said.user_id, one["item_id"]) & set(CHOICES)
    return None if chosen else f"{said.user_id} neither saved nor picked {one['item_id']}"


@checks("artist")
def artist(one: Evidence, said: Said, facts: Facts) -> str | None:
    """`plays` by this listener of what is by this artist: first named, or named at all."""
    heard = facts.heard_by(said.user_id)
    by = {item: facts.item(item).artists for item in heard}
    first = sum(len(when) for item, when in heard.items() if by[item][:1] == (one["artist"],))
    named = sum(len(when) for item, when in heard.items() if one["artist"] in by[item])
    if said.item_id is not None and one["artist"] not in facts.item(said.item_id).artists:
        return f"{said.item_id} is not by {one['artist']}"
    return None if one["plays"] == named > 0 else differs("plays", one["plays"], first)


@checks("genre")
def genre(one: Evidence, said: Said, facts: Facts) -> str | None:
    """`plays` by this listener of this genre, first or any, and the `share` of all their plays."""
    heard = facts.heard_by(said.user_id)
    of = {item: facts.item(item).genres for item in heard}
    counts = {
        sum(len(when) for item, when in heard.items() if of[item][:1] == (one["genre"],)),
        sum(len(when) for item, when in heard.items() if one["genre"] in of[item]),
    }
    if said.item_id is not None and one["genre"] not in facts.item(said.item_id).genres:
        return f"{said.item_id} is not of {one['genre']}"
    if one["plays"] not in counts:
        return f"plays is {one['plays']}, and {max(counts)} is true"
    share = one["plays"] / max(sum(map(len, heard.values())), 1)
    return differs("share", one["share"], share, 0.006) if "share" in one else None


@checks("window")
def window(one: Evidence, said: Said, facts: Facts) -> str | None:
    """`plays` by this listener in the last `days`, None for ever: of the item; of anything where it is of a shelf."""
    start = -math.inf if one["days"] is None else facts.now - one["days"] * DAY
    heard = facts.heard_by(said.user_id)
    item = one.get("item_id", said.item_id)
    of = heard if item is None else {item: heard.get(item, [])}
    return differs("plays", one["plays"], sum(when >= start for played in of.values() for when in played))


@checks("kind")
def kind(one: Evidence, said: Said, facts: Facts) -> str | None:
    """`plays` by this listener of what is of this kind."""
    heard = facts.heard_by(said.user_id)
    return differs("plays", one["plays"], sum(len(w) for i, w in heard.items() if facts.item(i).kind == one["kind"]))


@checks("shared")
def shared(one: Evidence, said: Said, facts: Facts) -> str | None:
    """`plays` by listener of one item."""
    wrong = [differs(user, n, len(facts.plays(user, one["item_id"]))) for user, n in one["plays"].items()]
    if not wrong:
        return "nobody is named"
    return next((words for words in wrong if words), None)


@checks("match")
def match(one: Evidence, said: Said, facts: Facts) -> str | None:
    """How well `user_id` matches the listeners `with`, in `percent`: the mean of what it is with each of them.

    With `words` it is of a search (things.py).
    """
    if "words" in one:
        return named_like(one, said, facts)
    told = np.flatnonzero(facts.vectors[:, :-1].any(axis=0))

    def with_one(other: str) -> int:
        mine, theirs = (facts.taste(user)[told].astype(np.float64) for user in (one["user_id"], other))
        lengths = float(np.linalg.norm(mine) * np.linalg.norm(theirs))
        alike = max(float(mine @ theirs) / lengths, 0.0) if lengths else 0.0
        played, also = set(facts.heard_by(one["user_id"])), set(facts.heard_by(other))
        return round(50 * alike + 50 * len(played & also) / max(min(len(played), len(also)), 1))

    if not one["with"]:
        return "nobody is named"
    return differs("percent", one["percent"], sum(map(with_one, one["with"])) / len(one["with"]), 0.5)


@checks("steer")
def steer(one: Evidence, said: Said, facts: Facts) -> str | None:
    """The listener sent this event about the item."""
    events = {event.word for event in facts.did(said.user_id, str(facts.item(one["item_id"]).item_id))}
    if one["what"] not in {event.word for event in Event}:
        return f"{one['what']!r} is no event"
    return None if one["what"] in events else f"{said.user_id} never sent {one['what']} about {one['item_id']}"
