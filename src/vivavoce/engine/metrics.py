"""Figures of the engine, in the Prometheus text format at `/metrics`."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest


class Metrics:
    """The figures of one engine, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.calls_active = Gauge(
            "viva_engine_calls_active", "Calls that are live.", registry=self._registry
        )
        self.calls_ended = Counter(
            "viva_engine_calls_ended", "Calls by how they ended.", ["how"], registry=self._registry
        )
        self.calls_refused = Counter(
            "viva_engine_calls_refused", "Offers refused for want of room.", registry=self._registry
        )
        self.sidebands_active = Gauge(
            "viva_engine_sidebands_active", "Sideband sockets.", registry=self._registry
        )
        self.wordings = Counter(
            "viva_engine_wordings",
            "Questions that a chat endpoint was to word, by what came of it.",
            ["outcome"],
            registry=self._registry,
        )
        self.answer_seconds = Histogram(
            "viva_engine_answer_seconds", "Time from offer to answer.", registry=self._registry
        )

    def text(self) -> bytes:
        """Give all figures in the text format."""
        return generate_latest(self._registry)
