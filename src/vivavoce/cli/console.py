"""What the terminal shows: progress on standard error, results on standard output."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final

from rich.console import Console

_PIPE_WIDTH: Final = 200


def _console(*, stderr: bool) -> Console:
    """A console that cuts nothing short where a program reads it."""
    console = Console(stderr=stderr, highlight=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = _PIPE_WIDTH
    return console


out: Final = _console(stderr=False)
err: Final = _console(stderr=True)


@contextmanager
def progress() -> Generator[Callable[[str], None]]:
    """Show what is being done: a spinner at a terminal, a line each otherwise."""
    if not err.is_terminal:
        yield err.print
        return
    with err.status("Starting…") as status:
        yield status.update
