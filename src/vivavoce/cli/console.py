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
    """Show what is being done: a spinner at a terminal, a line each otherwise.

    An empty text takes the spinner away, until there is something to say again.
    """
    if not err.is_terminal:
        yield _print_line
        return
    with err.status("Starting…") as status:

        def show(text: str) -> None:
            if text:
                status.update(text)
                status.start()
            else:
                status.stop()

        yield show


def _print_line(text: str) -> None:
    if text:
        err.print(text)
