"""ads: a small example without an auction: the campaigns this listener is likeliest to care for, each under its cap.

An answer counts as shown, on disk before it leaves; a client that asks for more than it shows loses impressions.
"""

from dataclasses import dataclass, replace

import numpy as np

from palate.core.items import KINDS, Kind
from palate.core.slate import Slate, SlateItem
from palate.listening.impressions import FILE as COUNTS
from palate.listening.impressions import Impressions
from palate.retrieval.query import Query
from palate.surfaces.ask import Ask
from palate.surfaces.explain import _times
from palate.surfaces.heads import Opinion
from palate.surfaces.live import LiveHome
from palate.surfaces.shelves.campaigns import FILE, Campaign, read_campaigns
from palate.surfaces.shelves.draft import Drafting, Evidence
from palate.surfaces.shelves.filling import slate_id
from palate.surfaces.surface import Surface

NAME = "ads"
DAY_SECONDS = 86_400.0  # of true time: a cap is a promise to a person, not to the log
PRIVATE = "In a private session nothing is counted, so no advertisement is shown."
NONE_HERE = "No campaign runs here; declare some in ads.toml."
NONE_LEFT = "No campaign is for this listener now: not targeted, not running, or shown as often as its cap allows."


@dataclass(frozen=True)
class Offer:
    """A campaign that may be shown: how likely it is to interest, what can be checked, and whether a head said so."""

    campaign: Campaign
    interest: float
    reason: str
    evidence: list[Evidence]
    asked: bool = False


def answer(ask: Ask, live: LiveHome) -> Slate:
    """Up to n campaigns, the most interesting first; never one more often than its cap in any 24 hours."""
    user_id, query, now = ask.listener, live.query(ask, NAME), live.clock.wall()
    campaigns = read_campaigns(live.home.root / FILE)
    offers = [one for one in (offer(campaign, query, live, now) for campaign in campaigns) if one is not None]
    offers, opinion = by_head(offers, query, live, user_id)
    offers.sort(key=lambda one: (not one.asked, -one.interest, one.campaign.id))
    chosen: list[Offer] = []
    if offers and not ask.private:
        with Impressions(live.home.listening / COUNTS) as counts:
            for one in offers:
                cap, since = one.campaign.cap_per_day, now - DAY_SECONDS
                if len(chosen) < ask.n and counts.claim(user_id, one.campaign.id, cap, since, now):
                    chosen.append(one)
    items = [_item(one, live) for one in chosen]
    note = None if items else PRIVATE if ask.private else NONE_LEFT if campaigns else NONE_HERE
    state = "|".join([NAME, *(one.campaign.id for one in chosen)])
    slate = Slate(
        slate_id=slate_id(state, live.path.stock.space, user_id, query, []), surface=NAME, user_id=user_id,
        space=live.path.stock.space, taste_age_seconds=query.taste_age_seconds, stranger=query.stranger, items=items,
        stages={"retrieved": len(campaigns), "targeted": len(offers), "answered": len(items)},
        taste_offset=query.offset, note=note,
    )  # fmt: skip
    return opinion.told(slate)


def by_head(offers: list[Offer], query: Query, live: LiveHome, user_id: str) -> tuple[list[Offer], Opinion]:
    """The offers with what the head of ads says of their interest, and what it said; as they are where it is silent.

    It is asked about the campaign's item; of a line of text, about the most heard item that its genres and kinds have.
    A campaign that no item stands for is not asked about.
    """
    rows = [_stands_for(one.campaign, live) for one in offers]
    known = [place for place, row in enumerate(rows) if row is not None]
    asked = np.array([rows[place] for place in known], np.int32)
    opinion = live.opinion(NAME, query, asked, user_id)
    if opinion.values is None:
        return offers, opinion
    told = {place: value for place, value in zip(known, opinion.values.tolist(), strict=True) if not np.isnan(value)}
    return [
        replace(one, interest=told[place], asked=True) if place in told else one for place, one in enumerate(offers)
    ], opinion


def _stands_for(campaign: Campaign, live: LiveHome) -> int | None:
    if campaign.item:
        return live.find(campaign.item)
    columns, plays = live.path.stock.columns, live.path.stock.trends.ever
    mine = columns.available.copy()
    for wanted, names, codes in (
        (campaign.genres, columns.genres, columns.genre), (campaign.kinds, [kind.value for kind in KINDS], columns.kind)
    ):  # fmt: skip
        if wanted:
            mine &= np.isin(codes, [names.index(name) for name in wanted if name in names])
    if not (campaign.genres or campaign.kinds) or not mine.any():
        return None
    return int(np.argmax(np.where(mine, plays, -1)))


def offer(campaign: Campaign, query: Query, live: LiveHome, now: float) -> Offer | None:
    """The campaign for this listener at unix time `now`; None when it is not for them, or its item is not there.

    Interest is the mean of what is known: the cosine of taste and item, from 0 to 1, and the share of the plays that
    its genres and kinds have. A head, where one is set, is asked afterwards (`by_head`).
    """
    countries = campaign.countries
    if not campaign.start <= now < campaign.end or (countries and query.country not in countries):
        return None
    on, stock = Drafting(live.path, query, 1), live.path.stock
    known, told = [], list[Evidence]()
    if campaign.item:
        row = live.items.row(campaign.item)
        if row is None or row >= stock.n_items or not stock.columns.available[row] or row in query.record.hidden:
            return None
        known.append(float(1 + stock.directions[row] @ stock.direction_of(query.taste)) / 2)
    heard = max(int(query.record.heard.sum()), 1)
    genres, kinds = stock.columns.genres, [kind.value for kind in Kind]
    for sort, wanted, names, codes in (
        ("genre", campaign.genres, genres, stock.columns.genre),
        ("kind", campaign.kinds, kinds, stock.columns.kind.astype(np.int32)),
    ):
        if not wanted:
            continue
        plays = on.heard_by(codes)[0]
        own = {
            name: int(plays[names.index(name)]) for name in wanted if name in names and names.index(name) < len(plays)
        }
        if not any(own.values()):
            return None
        known.append(sum(own.values()) / heard)
        told += [{"type": sort, sort: name, "plays": n} | ({"share": round(n / heard, 3)} if sort == "genre" else {})
                 for name, n in own.items() if n]  # fmt: skip
    told += [{"type": "country", "country": query.country}] if countries else []
    return Offer(campaign, float(np.mean(known)) if known else 0.0, _why(told), told)


def _why(told: list[Evidence]) -> str:
    played = [f"{one[one['type']]} {_times(one['plays'])}" for one in told if "plays" in one]
    where = [f"it is for {one['country']}" for one in told if one["type"] == "country"]
    parts = ([f"you played {' and '.join(played)}"] if played else []) + where
    return f"Advertisement: {', and '.join(parts)}." if parts else "Advertisement, for everybody."


def _item(one: Offer, live: LiveHome) -> SlateItem:
    campaign: Evidence = {"type": "campaign", "campaign": one.campaign.id, "cap_per_day": one.campaign.cap_per_day}
    evidence = [campaign, *one.evidence]
    if not one.campaign.item:
        name = f"ad:{one.campaign.id}"
        return SlateItem(name, "ad", one.interest, "ad", one.reason, evidence, title=one.campaign.text)
    item = live.items.get(live.row(one.campaign.item))
    return SlateItem(
        str(item.item_id), item.kind.value, one.interest, "ad", one.reason, evidence, item.title, item.artists
    )  # fmt: skip


SURFACE = Surface(NAME, "campaigns by predicted interest, each under a cap per listener and day", answer)
