"""How long nobody has said anything, and whether a gentle prompt is due: once, until words come."""

from dataclasses import dataclass


@dataclass(slots=True)
class Silence:
    """The silence after our own words. Times are milliseconds of the client's audio.

    Attributes:
        since_ms: When it began; None until we have spoken for the first time.
        is_prompted: Whether the client was prompted, and has said nothing since.
    """

    since_ms: int | None = None
    is_prompted: bool = False

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

    def may_prompt(self) -> bool:
        """Say whether a prompt is due, and take it as given."""
        is_due, self.is_prompted = not self.is_prompted, True
        return is_due
