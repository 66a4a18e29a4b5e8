"""How long nobody has said anything, and whether a gentle prompt is due: later each time."""

from dataclasses import dataclass


@dataclass(slots=True)
class Silence:
    """The silence after our own words. Times are milliseconds of the client's audio.

    Attributes:
        since_ms: When it began; None until anything was said to the client, here or before.
        prompts: How often the client was prompted, and has said nothing since.
    """

    since_ms: int | None = None
    prompts: int = 0

    def begin(self, now_ms: int) -> None:
        """Count anew from here."""
        self.since_ms = now_ms

    def count(self, now_ms: int, *, speaking: bool, is_busy: bool) -> int:
        """Say how long the silence has lasted.

        Args:
            now_ms: The end of the audio so far.
            speaking: Whether we are being heard: the silence begins after it.
            is_busy: Whether the client speaks, or something is being made of it.
        """
        if speaking or (is_busy and self.since_ms is not None):
            self.begin(now_ms)
        return 0 if self.since_ms is None else now_ms - self.since_ms

    def is_due(self, lasted_ms: int, after_ms: int | None) -> bool:
        """Say whether a prompt is due: after so long at first, then twice that, then three times.

        Args:
            lasted_ms: How long the silence has lasted.
            after_ms: When the first prompt is due; None for never.
        """
        return after_ms is not None and lasted_ms >= after_ms * (1 + self.prompts)

    def prompt(self, now_ms: int) -> None:
        """Note that the client is prompted."""
        self.prompts += 1
        self.begin(now_ms)
