"""`palate fresh --follow`: what a server does beside its requests, without the requests."""

import asyncio
import signal
import sys
import time

from palate.api.follower import Follower
from palate.api.metrics import Metrics
from palate.api.serving import Serving
from palate.core.home import Home
from palate.embeddings.space import Spaces


def follow(home: Home) -> int:
    """Folds new listens, opens promoted versions and carries out deletions until Ctrl-C or SIGTERM.

    Gives how many listens it folded into the live version. While another process folds it stands by. The batch under
    way is finished first; one that is killed is done again by whoever folds next. Raises PalateError before anything
    is started: NotTrained, MissingHome or BadSettings.
    """
    label = Spaces(home.require().spaces).live.label
    serving, metrics = Serving(home, time.time), Metrics()
    try:
        follower = Follower(serving, metrics)
        print(f"Palate follows {home.root} into {label} (stop it with Ctrl-C)", file=sys.stderr, flush=True)
        asyncio.run(_until_stopped(follower))
    finally:
        serving.close()
    return metrics.folded_listens


async def _until_stopped(follower: Follower) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, follower.stop)
    await follower.run()
