"""Claims about items: how alike, together with what, on which playlist, how fast."""

from palate.evaluation.claims.facts import Facts
from palate.evaluation.claims.registry import Evidence, Said, checks, differs

COSINE_WITHIN = 0.0006  # told to three places


def _of_item(said: Said) -> str:
    if said.item_id is None:
        raise ValueError("it is said of no item")
    return said.item_id


@checks("together")
def together(one: Evidence, said: Said, facts: Facts) -> str | None:
    """`groups`, sittings and playlists, that hold both this item and `item_id`."""
    both = facts.together(_of_item(said), str(facts.item(one["item_id"]).item_id))
    return differs("groups", one["groups"], both) or (None if both else "nothing holds both")


@checks("similar")
def similar(one: Evidence, said: Said, facts: Facts) -> str | None:
    """The `cosine` of this item and `item_id`, above 0. Of a shelf, `item_id` is only what the shelf is like."""
    if said.item_id is None and "cosine" not in one:
        return None if facts.item(one["item_id"]) else "no such item"
    cosine = facts.cosine(_of_item(said), one["item_id"])
    return differs("cosine", one["cosine"], cosine, COSINE_WITHIN) or (None if cosine > 0 else "they are not alike")


@checks("taste")
def taste(one: Evidence, said: Said, facts: Facts) -> str | None:
    """`score`, the dot product of the listener's taste and the item."""
    score = float(facts.taste(said.user_id) @ facts.vectors[facts.row(_of_item(said))])
    return differs("score", one["score"], score, 0.0006 + 1e-5 * abs(score))


@checks("playlist")
def playlist(one: Evidence, said: Said, facts: Facts) -> str | None:
    """It has this name; the item stands on it."""
    name, holds = facts.playlist(one["playlist_id"])
    if one.get("name") != name:
        return f"it is called {name!r}, not {one.get('name')!r}"
    return None if said.item_id is None or said.item_id in holds else f"{said.item_id} is not on it"


@checks("tempo")
def tempo(one: Evidence, said: Said, facts: Facts) -> str | None:
    """`tempo_bpm` of this item, `from_bpm` of `item_id`, or of the item before where that is this item."""
    before = one["item_id"]
    if before == _of_item(said):
        place = said.item_ids.index(before)
        before = said.item_ids[place - 1] if place else before
    wrong = differs("tempo_bpm", one["tempo_bpm"], _attribute(said.item_id, "tempo_bpm", facts), 0.51)
    return wrong or differs("from_bpm", one["from_bpm"], _attribute(before, "tempo_bpm", facts), 0.51)


@checks("energy")
def energy(one: Evidence, said: Said, facts: Facts) -> str | None:
    """`energy` of the item; of a shelf, the mean of its items of which it is known."""
    if said.item_id is not None:
        return differs("energy", one["energy"], _attribute(said.item_id, "energy", facts), 0.006)
    known = [facts.item(item).attributes.get("energy") for item in said.item_ids]
    told = [value for value in known if value is not None]
    return differs("energy", one["energy"], sum(told) / len(told), 0.006) if told else "no energy is known"


def _attribute(item: str | None, name: str, facts: Facts) -> float:
    value = facts.item(item).attributes.get(name)
    if value is None:
        raise ValueError(f"no {name} of {item} is known")
    return value
