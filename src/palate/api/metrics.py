"""What /metrics shows. Each process counts for itself, in a registry of its own."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REQUEST_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0, 5.0)  # the target for a slate is 20 ms
APPEND_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 1.0, 10.0)


class Metrics:
    """The metrics of one app. Names and labels are documented in docs/reference/http.md."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        to = self.registry
        self.requests = Counter("palate_requests", "Requests answered", ["method", "route", "status"], registry=to)
        self.request_seconds = Histogram(
            "palate_request_seconds", "Time to answer", ["route"], buckets=REQUEST_BUCKETS, registry=to
        )
        self.events = Counter("palate_events", "Events by what became of them", ["result"], registry=to)
        self.append_seconds = Histogram("palate_append_seconds", "One commit", buckets=APPEND_BUCKETS, registry=to)
        self.folded = Counter("palate_folded_listens", "Listens read from the log and folded into records", registry=to)
        self.fold_failures = Counter(
            "palate_fold_failures", "Times that folding failed and was tried again", registry=to
        )
        self.lag_listens = Gauge("palate_fold_lag_listens", "Listens accepted and not folded yet", registry=to)
        self.lag_seconds = Gauge("palate_fold_lag_seconds", "For how long the oldest of them has waited", registry=to)
        self.space_lag = Gauge(
            "palate_space_lag_listens", "Listens that the records of each version in use lack", ["space"], registry=to
        )
        self.dead_letters = Gauge("palate_dead_letters", "Listens that could not be folded into a record", registry=to)
        self.space_info = Gauge("palate_space_info", "1 for the live space", ["space"], registry=to)
        self.space_created = Gauge(
            "palate_space_created_seconds", "When the live space was made, unix seconds", registry=to
        )
        for result in ("accepted", "duplicate", "left_out", "rejected"):
            self.events.labels(result)
