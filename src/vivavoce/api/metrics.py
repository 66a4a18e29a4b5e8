"""What is counted and timed (Prometheus text format 0.0.4)."""

from collections.abc import Callable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

MEDIA_TYPE: Final = "text/plain; version=0.0.4"
_SECONDS: Final = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """One registry for each API, so that two in one process do not mix."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "viva_http_requests",
            "Requests answered.",
            ("edge", "method", "status"),
            registry=self.registry,
        )
        self.request_seconds = Histogram(
            "viva_http_request_seconds",
            "Time to answer.",
            ("edge",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.starts = Counter(
            "viva_session_starts",
            "Sessions started, or not, by outcome (`ready` or an error code).",
            ("architecture", "outcome"),
            registry=self.registry,
        )
        self.entries = Counter(
            "viva_transcript_entries",
            "Transcript entries taken, by what became of them.",
            ("outcome",),
            registry=self.registry,
        )
        self.accepted, self.duplicates, self.rejected = map(
            self.entries.labels, ("accepted", "duplicate", "rejected")
        )
        self.gateway = Counter(
            "viva_gateway_connections",
            "Connections to machines, by outcome (`opened` or an error code).",
            ("outcome",),
            registry=self.registry,
        )

    def watch(self, name: str, text: str, value: Callable[[], float]) -> None:
        """Expose a value that is read whenever the page is."""
        Gauge(name, text, registry=self.registry).set_function(value)

    def expose(self) -> bytes:
        """The page that Prometheus reads."""
        return generate_latest(self.registry)
