"""How fresh a home's tastes are: asked of the server that follows it, or read from its files when none does."""

import math
import time
from collections.abc import Callable
from hashlib import blake2b
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from palate.core.errors import PalateError
from palate.core.home import Home
from palate.core.partitions import PARTITIONS
from palate.embeddings.space import Spaces
from palate.fresh.engine import has_records, open_log, open_store

TIMEOUT_SECONDS = 5.0
LOOKED_AT = 1_024
SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


def home_mark(home: Home) -> str:
    """Which home a server serves, without saying where it lies: 12 hexadecimal digits of its path's BLAKE2b."""
    return blake2b(str(home.root.resolve()).encode(), digest_size=6).hexdigest()


def fetched(address: str) -> str | None:
    """What /metrics of a server says; None when nobody answers there, or somebody who has no metrics."""
    try:
        with urlopen(f"{address}/metrics", timeout=TIMEOUT_SECONDS) as answer:
            return bytes(answer.read()).decode("utf-8", "replace")
    except (URLError, OSError, ValueError):
        return None


def status(home: Home, address: str, fetch: Callable[[str], str | None] = fetched) -> dict[str, Any]:
    """Lag, throughput, batches and the age of what was served, as plain values.

    `running` is False when no server of this home answers at `address`; then only the lag is known, from the files.
    """
    page = fetch(address)
    told = None if page is None else Told(page)
    if told is not None and home_mark(home) in told.labels("palate_home_info", "home"):
        return {"running": True, "address": address} | told.summary()
    return {"running": False, "address": address} | _of_files(home)


class Told:
    """The samples of one /metrics page; none of a page that is something else."""

    def __init__(self, page: str) -> None:
        self._samples: dict[str, list[Sample]] = {}
        try:
            found = [sample for family in text_string_to_metric_families(page) for sample in family.samples]
        except ValueError:
            found = []
        for sample in found:
            self._samples.setdefault(sample.name, []).append(sample)

    def value(self, name: str) -> float | None:
        """The sum of a metric over its labels; None when the page lacks it."""
        found = self._samples.get(name)
        return None if found is None else sum(one.value for one in found)

    def labels(self, name: str, label: str) -> list[str]:
        """The values of a label, in the page's order."""
        return list(dict.fromkeys(one.labels[label] for one in self._samples.get(name, ()) if label in one.labels))

    def histogram(self, name: str, **labels: str) -> dict[str, Any]:
        """count, mean, p50, p95 and p99; None for each of these while the count is 0."""
        buckets = sorted((float(one.labels["le"]), one.value) for one in self._matching(f"{name}_bucket", labels))
        count = sum(one.value for one in self._matching(f"{name}_count", labels))
        total = sum(one.value for one in self._matching(f"{name}_sum", labels))
        shares = {word: quantile(buckets, share) for word, share in SHARES.items()}
        return {"count": int(count), "mean": total / count if count else None} | shares

    def summary(self) -> dict[str, Any]:
        """What `palate fresh status` shows of a running server."""
        space = next(iter(self.labels("palate_space_info", "space")), "")
        surfaces = self.labels("palate_served_age_seconds_count", "surface")
        return {
            "space": space or None,
            "lag_listens": int(self.value("palate_fold_lag_listens") or 0),
            "lag_seconds": self.value("palate_fold_lag_seconds"),
            "listens_per_second": self.value("palate_folded_listens_per_second"),
            "folded_listens": int(self.value("palate_folded_listens_total") or 0),
            "fold_failures": int(self.value("palate_fold_failures_total") or 0),
            "batch_listens": self.histogram("palate_fold_batch_listens", space=space),
            "batch_listeners": self.histogram("palate_fold_batch_listeners", space=space),
            "fold_seconds": self.histogram("palate_fold_seconds", space=space),
            "encode_seconds": self.histogram("palate_encode_seconds", space=space),
            "served_age_seconds": {
                name: self.histogram("palate_served_age_seconds", surface=name) for name in surfaces
            },
        }

    def _matching(self, name: str, labels: dict[str, str]) -> list[Sample]:
        return [one for one in self._samples.get(name, ()) if labels.items() <= one.labels.items()]


def quantile(buckets: list[tuple[float, float]], share: float) -> float | None:
    """A quantile from (upper bound, how many are no greater) ascending, as Prometheus' histogram_quantile gives it.

    Values lie evenly within their bucket; of those beyond the last finite bound nothing more is known than that bound.
    None without values.
    """
    if not buckets or not buckets[-1][1]:
        return None
    rank, below, least = share * buckets[-1][1], 0.0, 0.0
    for bound, count in buckets:
        if count >= rank:
            inside = least + (bound - least) * (rank - below) / (count - below)
            return least if math.isinf(bound) else min(bound, inside)
        below, least = count, bound
    return least


def _of_files(home: Home) -> dict[str, Any]:
    """The lag of the live space's records, and when the oldest listen that they lack happened."""
    space = Spaces(home.require().spaces).live.label
    offsets = (0,) * PARTITIONS
    if has_records(home):
        with open_store(home, readonly=True) as store:
            offsets = store.standing(space).offsets
    with open_log(home) as log:
        behind, after, oldest = log.lacking(offsets), dict(enumerate(offsets)), None
        while oldest is None and (unread := log.unread(after, LOOKED_AT)) is not None:
            after |= unread.upto  # past deleted listeners
            oldest = float(unread.batch.timestamp[0]) if len(unread.batch) else None
    waited = 0.0 if oldest is None else max(time.time() - oldest, 0.0)
    return {"space": space, "lag_listens": behind, "lag_seconds": waited}


def in_words(told: dict[str, Any]) -> str:
    """The same for people, one line a subject."""
    if not told["running"]:
        lacks = f"lacks {told['lag_listens']:,} listens, the oldest of {_seconds(told['lag_seconds'])} ago"
        found = lacks if told["lag_listens"] else "is level with the log"
        return f"no server of this home answers at {told['address']}; by the home's files {told['space']} {found}"
    lines = [
        f"{told['space']} at {told['address']} lacks {told['lag_listens']:,} listens, the oldest for "
        f"{_seconds(told['lag_seconds'])}; {told['listens_per_second']:,.1f} listens a second in the last minute, "
        f"{told['folded_listens']:,} since it started, {told['fold_failures']:,} failures",
        _line("batch, listens", told["batch_listens"], "{:,.0f}".format),
        _line("batch, listeners", told["batch_listeners"], "{:,.0f}".format),
        _line("fold", told["fold_seconds"], _seconds),
        _line("encode", told["encode_seconds"], _seconds),
        *(_line(f"age served, {name}", one, _seconds) for name, one in told["served_age_seconds"].items()),
    ]
    return "\n".join(lines)


def _line(what: str, one: dict[str, Any], shown: Callable[[float], str]) -> str:
    if not one["count"]:
        return f"  {what:24} none yet"
    parts = ", ".join(f"{word} {shown(one[word])}" for word in SHARES)
    return f"  {what:24} {parts}  ({one['count']:,})"


def _seconds(seconds: float | None) -> str:
    if seconds is None:
        return "unknown"
    return f"{seconds * 1000:,.0f} ms" if seconds < 1 else f"{seconds:,.1f} s"


def address_of(host: str, port: int) -> str:
    """Where to ask a server that listens there: at this machine when it listens everywhere. PalateError for no port."""
    if not 1 <= port <= 65_535:
        raise PalateError(f"port {port} is none; give one from 1 to 65535")
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
