"""A check of any server of the OpenAI Realtime API, from outside, as its clients see it.

`run_check` holds two real calls over WebRTC, one with speech, and gives a verdict line by line.
"""

from vivavoce.check.api import Target
from vivavoce.check.caller import Limits
from vivavoce.check.lines import LINES, Line, Report, Result, Verdict
from vivavoce.check.run import run_check

__all__ = [
    "LINES",
    "Limits",
    "Line",
    "Report",
    "Result",
    "Target",
    "Verdict",
    "run_check",
]
