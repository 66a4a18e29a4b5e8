"""Property tests: as many examples as ever, without a clock; the same ones each time in CI."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "vivavoce",
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("vivavoce")
