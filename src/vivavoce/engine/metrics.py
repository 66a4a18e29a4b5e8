"""Figures of the engine, in the Prometheus text format at `/metrics`."""

import json
import time
from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from vivavoce.engine.models import Models

_TURN_SECONDS = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.3, 1.6, 2.0, 3.0, 5.0, 10.0)


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
            "viva_engine_calls_refused", "Calls refused for want of room.", registry=self._registry
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
        self.transcription_seconds = Histogram(
            "viva_engine_transcription_seconds",
            "Time that a final transcription takes, waiting included.",
            buckets=_TURN_SECONDS,
            registry=self._registry,
        )
        self.voice_to_voice_seconds = Histogram(
            "viva_engine_voice_to_voice_seconds",
            "Time from the end of what a client says to the first sound of the reply.",
            buckets=_TURN_SECONDS,
            registry=self._registry,
        )

    def follow(self, models: Models) -> None:
        """Tell of these models as well: their queue, their work and their restarts."""
        self._registry.register(_ModelFigures(models))
        models.on_heard = self.transcription_seconds.observe

    def text(self) -> bytes:
        """Give all figures in the text format."""
        return generate_latest(self._registry)


class _ModelFigures(Collector):
    """What the models know of themselves."""

    def __init__(self, models: Models) -> None:
        self._models = models

    def collect(self) -> Iterable[Metric]:
        yield GaugeMetricFamily(
            "viva_engine_queue_delay_seconds",
            "What nine of ten final transcriptions waited at most in the last half minute.",
            value=self._models.delays.p90,
        )
        yield GaugeMetricFamily(
            "viva_engine_transcriptions_waiting",
            "Transcriptions that wait or run.",
            value=self._models.waiting,
        )
        yield CounterMetricFamily(
            "viva_engine_worker_restarts",
            "Model workers that were started in place of one that was lost.",
            value=self._models.restarts,
        )


class ReplyClock:
    """Measures how long a client waits for replies, from the events of its call.

    Args:
        heard_ms: Gives the milliseconds of the client's audio so far.
        observe: Takes the seconds of each reply.
    """

    def __init__(self, heard_ms: Callable[[], int], observe: Callable[[float], None]) -> None:
        self._heard_ms = heard_ms
        self._observe = observe
        self._silent_since: float | None = None

    def take(self, text: str) -> None:
        """Take an encoded event."""
        if text.startswith('{"type":"input_audio_buffer.speech_stopped"'):
            late_ms = self._heard_ms() - json.loads(text)["audio_end_ms"]
            self._silent_since = time.monotonic() - max(0, late_ms) / 1000
        elif text.startswith('{"type":"input_audio_buffer.speech_started"'):
            self._silent_since = None
        elif text.startswith('{"type":"output_audio_buffer.started"') and self._silent_since:
            self._observe(time.monotonic() - self._silent_since)
            self._silent_since = None
