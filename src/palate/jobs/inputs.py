"""Reading a home into Inputs: its log, its catalogue and its playlists, as of now or of a moment."""

from dataclasses import replace

from palate.catalog.catalog import Catalog
from palate.catalog.playlists import PlaylistTable
from palate.core.clock import PAUSE_SECONDS, Calendar
from palate.core.errors import BadInput
from palate.core.home import Home
from palate.embeddings.inputs import Inputs, any_simulated, known_before
from palate.listening.listeners import read_listeners
from palate.listening.log import ListeningLog


def settle(home: Home) -> None:
    """Makes a stub in the catalogue for each item that was heard but never imported.

    Raises BadInput for a home without listens and without playlists: nothing can be learnt there.
    """
    with ListeningLog(home.log) as log:
        heard = log.item_ids()
    catalog = Catalog.open(home.catalog)
    if not heard and not len(PlaylistTable.open(home.catalog)):
        raise BadInput(f"{home.root} has no listens yet; run `palate import listens FILE` first")
    if (catalog.rows_of(heard) < 0).any():
        with Catalog.changing(home.catalog) as latest:  # it may have changed since
            latest.ensure(heard)


def simulated(home: Home) -> bool:
    """True when any listener of the home is one of the simulated world's."""
    with ListeningLog(home.log) as log:
        return any_simulated(log.user_ids())


def gather(home: Home, last_offset: int | None = None, at: float | None = None) -> Inputs:
    """Reads a settled home: its log up to `last_offset`, its catalogue, its playlists, its listeners.

    at: only what was known before it (unix seconds), as in `Inputs.until`; None for everything.
    """
    catalog = Catalog.open(home.catalog)
    with ListeningLog(home.log) as log:
        calendar = _calendar(log, at)
        history = log.history(catalog.rows_of(log.item_ids()), len(catalog), at, last_offset=last_offset)
    listeners = read_listeners(home, history.users).in_home_time(calendar)
    inputs = Inputs(history, PlaylistTable.open(home.catalog).playlists(catalog), catalog.columns(), listeners)
    if at is not None:
        inputs = known_before(inputs, at)
    added, removed = (calendar.home_times(times) for times in (inputs.playlists.added, inputs.playlists.removed))
    return Inputs(
        history,
        replace(inputs.playlists, added=added, removed=removed),
        replace(inputs.columns, released=calendar.home_times(inputs.columns.released)),
        listeners,
    )


def moment_of(home: Home, inputs: Inputs, at: float | None) -> float:
    """The home time of `at` (unix seconds) when it came; None for just after the last of `inputs`, which end there.

    A silence that lasts on at that moment is a pause if it was long enough by then, so it is cut as by a publication.
    """
    if at is None:
        return inputs.end
    with ListeningLog(home.log) as log:
        moment = _calendar(log, at).home_time(at)
    return inputs.end if len(inputs.history) and moment - inputs.end >= PAUSE_SECONDS else moment


def _calendar(log: ListeningLog, at: float | None) -> Calendar:
    """The log's calendar as it was at `at`, without the pauses that ended later."""
    pauses = log.calendar().pauses
    return Calendar(pauses if at is None else tuple(pause for pause in pauses if pause[1] <= at))
