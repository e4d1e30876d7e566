"""What a request says, before anything is looked up."""

from dataclasses import dataclass, field

from palate.core.errors import BadInput
from palate.retrieval.query import Steer

MOST_ITEMS = 1_000  # in one slate
MOST_NAMED = 1_000  # seeds, exclusions or listeners in one request


@dataclass(frozen=True)
class Ask:
    """One request to a surface. A surface reads what it needs and says in its docs what that is.

    user_id  the listener; None asks for nobody in particular
    n        how many items, at most
    seeds    where to start: item ids, or `artist:NAME`, `show:NAME`, `genre:NAME`, `user:ID`, most important first
    exclude  item ids that must not come back; unknown ones exclude nothing
    unheard  only what the listener never played
    others   further listeners (blend)
    words    what was typed (search)
    genre    a genre by its name (genre_mix)
    steer    how this answer shall lean
    private  nothing of this answer is kept
    """

    user_id: str | None = None
    n: int = 20
    seeds: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    unheard: bool = False
    others: tuple[str, ...] = ()
    words: str = ""
    genre: str = ""
    steer: Steer = field(default_factory=Steer)
    private: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.n <= MOST_ITEMS:
            raise BadInput(f"n = {self.n} must be between 1 and {MOST_ITEMS:,}")
        for name in ("seeds", "exclude", "others"):
            if len(getattr(self, name)) > MOST_NAMED:
                raise BadInput(f"{len(getattr(self, name)):,} {name} came; send at most {MOST_NAMED:,}")

    @property
    def listener(self) -> str:
        """The listener's id; BadInput when the request names nobody."""
        if self.user_id is None:
            raise BadInput("this surface answers a listener; name one")
        return self.user_id
