"""When to leave a failing service alone: after failures in a row, for longer each time. No I/O."""

from dataclasses import dataclass


@dataclass(slots=True)
class Breaker:
    """Lets requests through until too many have failed, then one now and then. Times in seconds.

    Attributes:
        tolerated: Failures in a row after which the service is left alone.
        rest: How long at first; doubled with each trial that fails.
        max_rest: At most.
        failures: In a row, so far.
        resumes_at: When the next trial is due.
    """

    tolerated: int = 2
    rest: float = 30.0
    max_rest: float = 300.0
    failures: int = 0
    resumes_at: float = 0.0

    def lets_through(self, now: float) -> bool:
        """Say whether a request may be made; of those at a trial's time, only the first."""
        if self.failures < self.tolerated:
            return True
        if now < self.resumes_at:
            return False
        self.resumes_at = now + self.rest
        return True

    def succeed(self) -> None:
        """Note that a request succeeded."""
        self.failures = 0

    def fail(self, now: float) -> None:
        """Note that a request failed."""
        self.failures += 1
        trials = max(self.failures - self.tolerated, 0)
        self.resumes_at = now + min(self.rest * 2 ** min(trials, 10), self.max_rest)
