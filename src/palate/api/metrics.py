"""What /metrics shows. Each process counts for itself, in a registry of its own."""

import threading
import time
from collections import deque
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REQUEST_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0, 5.0)  # the target for a slate is 20 ms
APPEND_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 1.0, 10.0)
FOLD_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 20.0, 60.0)
BATCH_BUCKETS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 65_536)
# Level with the log, within the target of a second, and then as far as [freshness] may reach.
AGE_BUCKETS = (
    0.0, 0.01, 0.02, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0, 600.0, 3_600.0, 21_600.0, 86_400.0, 172_800.0,
    604_800.0,
)  # fmt: skip
RATE_SECONDS = 60.0


class Rate:
    """How many a second lately. Threads may share one."""

    def __init__(self, moment: Callable[[], float] = time.monotonic) -> None:
        self._moment, self._begun = moment, moment()
        self._turn = threading.Lock()
        self._counts: deque[tuple[float, int]] = deque()

    def add(self, count: int) -> None:
        """So many happened just now."""
        with self._turn:
            self._counts.append((self._moment(), count))
            self._forget()

    def per_second(self) -> float:
        """Over the last RATE_SECONDS, or since it began when that is shorter, but at least a second."""
        with self._turn:
            self._forget()
            seconds = min(max(self._moment() - self._begun, 1.0), RATE_SECONDS)
            return sum(count for _, count in self._counts) / seconds

    def _forget(self) -> None:
        while self._counts and self._counts[0][0] <= self._moment() - RATE_SECONDS:
            self._counts.popleft()


class Metrics:
    """The metrics of one app. Names and labels are documented in docs/reference/http.md."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._of_requests()
        self._of_folding()
        self._of_what_is_served()

    def count_folded(self, listens: int) -> None:
        """So many were folded into the live space's records just now."""
        self.folded.inc(listens)
        self.rate.add(listens)

    def _of_requests(self) -> None:
        to = self.registry
        self.requests = Counter("palate_requests", "Requests answered", ["method", "route", "status"], registry=to)
        self.request_seconds = Histogram(
            "palate_request_seconds", "Time to answer", ["route"], buckets=REQUEST_BUCKETS, registry=to
        )
        self.events = Counter("palate_events", "Events by what became of them", ["result"], registry=to)
        self.append_seconds = Histogram("palate_append_seconds", "One commit", buckets=APPEND_BUCKETS, registry=to)
        for result in ("accepted", "duplicate", "left_out", "rejected"):
            self.events.labels(result)

    def _of_folding(self) -> None:
        to = self.registry
        self.folded = Counter("palate_folded_listens", "Listens read from the log and folded into records", registry=to)
        self.folded_rate = Gauge(
            "palate_folded_listens_per_second", "The same for each second of the last minute", registry=to
        )
        self.rate = Rate()
        self.fold_failures = Counter(
            "palate_fold_failures", "Times that folding failed and was tried again", registry=to
        )
        self.batch_listens = Histogram(
            "palate_fold_batch_listens", "Listens in one batch", ["space"], buckets=BATCH_BUCKETS, registry=to
        )
        self.batch_listeners = Histogram(
            "palate_fold_batch_listeners", "Listeners in one batch", ["space"], buckets=BATCH_BUCKETS, registry=to
        )
        self.fold_seconds = Histogram(
            "palate_fold_seconds", "One batch, from reading to stored", ["space"], buckets=FOLD_BUCKETS, registry=to
        )
        self.encode_seconds = Histogram(
            "palate_encode_seconds", "Encoding within that", ["space"], buckets=FOLD_BUCKETS, registry=to
        )
        self.lag_listens = Gauge("palate_fold_lag_listens", "Listens accepted and not folded yet", registry=to)
        self.lag_seconds = Gauge("palate_fold_lag_seconds", "For how long the oldest of them has waited", registry=to)
        self.space_lag = Gauge(
            "palate_space_lag_listens", "Listens that the records of each version in use lack", ["space"], registry=to
        )
        self.dead_letters = Gauge("palate_dead_letters", "Listens that could not be folded into a record", registry=to)

    def _of_what_is_served(self) -> None:
        to = self.registry
        self.served_age = Histogram(
            "palate_served_age_seconds", "For how long the oldest listen that an answer could not know had waited",
            ["surface"], buckets=AGE_BUCKETS, registry=to,
        )  # fmt: skip
        self.rephrased = Counter(
            "palate_rephrased", "Reasons that a language model was to say in other words", ["result"], registry=to
        )
        self.slates = Counter("palate_slates", "Answers by what became of them in the log", ["result"], registry=to)
        for result in ("logged", "dropped", "failed"):
            self.slates.labels(result)
        self.space_info = Gauge("palate_space_info", "1 for the live space", ["space"], registry=to)
        self.space_created = Gauge(
            "palate_space_created_seconds", "When the live space was made, unix seconds", registry=to
        )
        self.home_info = Gauge("palate_home_info", "1 for the home that is served", ["home"], registry=to)
