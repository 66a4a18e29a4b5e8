"""What the terminal shows: progress on standard error, results on standard output."""

from collections.abc import Callable, Generator
from contextlib import contextmanager

from rich.console import Console

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


@contextmanager
def progress() -> Generator[Callable[[str], None]]:
    """Show what is being done: a spinner at a terminal, a line each otherwise."""
    if not err.is_terminal:
        yield err.print
        return
    with err.status("Starting…") as status:
        yield status.update
