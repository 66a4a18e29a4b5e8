"""Exit codes of `viva`, and the errors that lead to them.

| code | meaning |
|---|---|
| 0 | done |
| 1 | it ran, and the outcome is bad: a check failed, what was stored differs from what was heard |
| 2 | wrong use: an option, a setting, a file |
| 3 | it could not start: a port is taken, a program is missing, a process dies again and again |
| 4 | a part does not answer: nothing runs there, the database or the voice model is down |
| 5 | there is no such thing |
| 6 | not allowed |
| 70 | a fault of ours (EX_SOFTWARE of sysexits.h) |
| 130 | interrupted by Ctrl-C |
"""

from enum import IntEnum
from typing import Final

from vivavoce.errors import Code


class Exit(IntEnum):
    """Exit codes."""

    DONE = 0
    BAD_OUTCOME = 1
    WRONG_USE = 2
    CANNOT_START = 3
    NO_ANSWER = 4
    NOT_FOUND = 5
    NOT_ALLOWED = 6
    FAULT = 70
    INTERRUPTED = 130


EXIT_OF: Final = {
    Code.INVALID_REQUEST: Exit.WRONG_USE,
    Code.NOT_FOUND: Exit.NOT_FOUND,
    Code.SESSION_ENDED: Exit.NOT_FOUND,
    Code.CONFLICT: Exit.BAD_OUTCOME,
    Code.AUTHENTICATION_FAILED: Exit.NOT_ALLOWED,
    Code.FORBIDDEN: Exit.NOT_ALLOWED,
}
"""What is not named here is `NO_ANSWER`."""


class StackFailed(Exception):
    """A part of the platform cannot be started, or does not stay up; says what to do."""
