"""Numbers for Prometheus. Labels come from fixed lists, so that no caller can make a new series."""

import os
from collections.abc import Iterable
from pathlib import Path

from prometheus_client import values
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics import Counter, Histogram, disable_created_metrics
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector, CollectorRegistry

from comity.errors import Unavailable
from comity.node.node import Node

METHODS = frozenset({"GET", "HEAD", "POST", "DELETE", "PUT", "PATCH", "OPTIONS"})
SECONDS_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

SHARED_BYTES = 512 * 1024
"""Enough for every series that there can be, of each kind, in one process."""
_FOLDER = "PROMETHEUS_MULTIPROC_DIR"


_place = ""


def share_counts(folder: Path, count: int) -> None:
    """So many processes, started from now on by this one, count together in files of that folder, each after its own
    `count_as`. All the room that they need is theirs already; Unavailable where there is too little."""
    for number in range(count):
        _take_room(folder, number)
    os.environ[_FOLDER] = str(folder)
    values.ValueClass = values.MultiProcessValue(lambda: _place)  # type: ignore[no-untyped-call]


def count_as(number: int) -> None:
    """This process goes on with the counts of that place, from 0; no other that runs does."""
    global _place
    _place = str(number)


def _take_room(folder: Path, number: int) -> None:
    """The files of that place are there, with all their room. They are mapped into memory, and whoever writes to such a
    file and finds the disk full is ended by the system."""
    for kind in ("counter", "histogram"):
        try:
            descriptor = os.open(folder / f"{kind}_{number}.db", os.O_RDWR | os.O_CREAT, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, SHARED_BYTES)
            finally:
                os.close(descriptor)
        except OSError as error:
            words = f"The counts of server processes need room in {folder}: {error.strerror}."
            raise Unavailable(words, hint="Make room there, or name another folder by TMPDIR.") from error


class Metrics:
    """What this process counted, or all those together that share their counts, and the sizes of their node."""

    def __init__(self, node: Node) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "comity_http_requests", "Requests answered.", ("route", "method", "status"), registry=self.registry
        )
        self._seconds = Histogram(
            "comity_http_request_seconds",
            "Time from a request's headers to its answer.",
            ("route",),
            registry=self.registry,
            buckets=SECONDS_BUCKETS,
        )
        self._refusals = Counter(
            "comity_http_refusals", "Requests refused, by error code.", ("code",), registry=self.registry
        )
        self._failures = Counter("comity_sign_in_failures", "Credentials that did not hold.", registry=self.registry)
        self._sizes = _Sizes(node)

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """One more request was answered; `route` is a template out of the route table."""
        self._requests.labels(route, method if method in METHODS else "other", str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def refused(self, code: str) -> None:
        """One more request was refused with that error code."""
        self._refusals.labels(code).inc()

    def sign_in_failed(self) -> None:
        """One more credential did not hold."""
        self._failures.inc()

    def text(self) -> bytes:
        """Everything, in the text format of Prometheus."""
        shared = os.environ.get(_FOLDER)
        sizes = CollectorRegistry()
        sizes.register(self._sizes)
        counts = self.registry
        if shared is not None:
            counts = CollectorRegistry()
            MultiProcessCollector(counts, path=shared)  # type: ignore[no-untyped-call]
        return generate_latest(counts) + generate_latest(sizes)


class _Sizes(Collector):
    """Asked anew at each reading."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def describe(self) -> Iterable[Metric]:
        """Nothing, so that registering reads nothing."""
        return []

    def collect(self) -> Iterable[Metric]:
        """The sizes of the node now."""
        counts = self._node.counts()
        yield GaugeMetricFamily("comity_objects", "Object versions that readers can get.", counts.objects)
        yield GaugeMetricFamily("comity_copies", "Copies stored, history included.", counts.copies)
        yield GaugeMetricFamily("comity_text_behind", "Copies that full text does not know yet.", counts.text_behind)
        related = self._node.relations_behind()
        yield GaugeMetricFamily("comity_relations_behind", "Copies whose references are not known yet.", related)
        paused, unused = self._node.halted()
        yield GaugeMetricFamily("comity_partners_paused", "Partners that a cap has paused.", paused)
        yield GaugeMetricFamily("comity_partners_unused", "Partners suspended since they read nothing.", unused)
        doubted = len(self._node.cautions())
        yield GaugeMetricFamily("comity_clock_doubted", "1 while the clock is not believed.", doubted)
        yield GaugeMetricFamily("comity_store_bytes", "Bytes of the store on disk.", counts.bytes_on_disk)
        added = (counts.last_added or 0) / 1_000_000
        yield GaugeMetricFamily("comity_last_added_timestamp_seconds", "When the last copy was added.", added)
