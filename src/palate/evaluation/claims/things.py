"""Claims about items: how alike, together with what, on which playlist, how fast."""

from palate.evaluation.claims.facts import Facts
from palate.evaluation.claims.registry import Evidence, Said, checks, differs

COSINE_WITHIN = 0.0006  # told to three places


@checks("together")
def together(one: Evidence, said: Said, facts: Facts) -> str | None:
    """`groups`, sittings and playlists, that hold both this item and `item_id`."""
    both = facts.together(said.about(one), str(facts.item(one["item_id"]).item_id))
    return differs("groups", one["groups"], both) or (None if both else "nothing holds both")


@checks("similar")
def similar(one: Evidence, said: Said, facts: Facts) -> str | None:
    """The `cosine` of this item and `item_id`, above 0. Of a shelf, `item_id` is only what the shelf is like."""
    if said.item_id is None and "cosine" not in one:
        return None if facts.item(one["item_id"]) else "no such item"
    cosine = facts.cosine(said.about(one), one["item_id"])
    return differs("cosine", one["cosine"], cosine, COSINE_WITHIN) or (None if cosine > 0 else "they are not alike")


@checks("taste")
def taste(one: Evidence, said: Said, facts: Facts) -> str | None:
    """`score`, the dot product of the item and the taste that answered."""
    vector = facts.vectors[facts.row(said.about(one))]
    scores = [float(taste @ vector) for taste in said.tastes or (facts.taste(said.user_id),)]
    closest = min(scores, key=lambda score: abs(score - one["score"]))
    return differs("score", one["score"], closest, 0.0006 + 1e-5 * abs(closest))


@checks("playlist")
def playlist(one: Evidence, said: Said, facts: Facts) -> str | None:
    """It has this name; the item stands on it."""
    name, holds = facts.playlist(one["playlist_id"])
    if one.get("name") != name:
        return f"it is called {name!r}, not {one.get('name')!r}"
    return None if said.item_id is None or said.item_id in holds else f"{said.item_id} is not on it"


@checks("tempo")
def tempo(one: Evidence, said: Said, facts: Facts) -> str | None:
    """`tempo_bpm` of this item, `from_bpm` of `item_id`.

    Said of a shelf, or with this item as `item_id`: its own tempo, and that of the one before it, as far as it is here.
    """
    mine = one["item_id"] if said.item_id is None else said.item_id
    before = one["item_id"]
    if before == mine:
        place = said.item_ids.index(mine)
        before = said.item_ids[place - 1] if place else None
    wrong = differs("tempo_bpm", one["tempo_bpm"], _attribute(mine, "tempo_bpm", facts), 0.51)
    if wrong or before is None:  # what stood before a shelf is not in it
        return wrong or differs("from_bpm", one["from_bpm"], one["from_bpm"])
    return differs("from_bpm", one["from_bpm"], _attribute(before, "tempo_bpm", facts), 0.51)


@checks("energy")
def energy(one: Evidence, said: Said, facts: Facts) -> str | None:
    """`energy` of the item or of `item_id`; of a shelf without one, the mean of its items of which it is known."""
    item = one.get("item_id", said.item_id)
    if item is not None:
        return differs("energy", one["energy"], _attribute(item, "energy", facts), 0.006)
    known = [facts.item(item).attributes.get("energy") for item in said.item_ids]
    told = [value for value in known if value is not None]
    return differs("energy", one["energy"], sum(told) / len(told), 0.006) if told else "no energy is known"


def _attribute(item: str, name: str, facts: Facts) -> float:
    value = facts.item(item).attributes.get(name)
    if value is None:
        raise ValueError(f"no {name} of {item} is known")
    return value
