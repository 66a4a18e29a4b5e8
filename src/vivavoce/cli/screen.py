"""The terminal during a demo interview: state and both sides' words, as they are spoken."""

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.text import Text

from vivavoce.client import ConnectionState
from vivavoce.protocol.connection import ConnectionStatus
from vivavoce.protocol.transcript import Speaker, TranscriptEntry

_NAMES = {Speaker.AI: "Interviewer", Speaker.CANDIDATE: "Candidate"}
_STYLES = {Speaker.AI: "bold cyan", Speaker.CANDIDATE: "bold green"}
_NAME_WIDTH = 13


class Screen:
    """Prints what is settled, and keeps what is being spoken in the last lines.

    Without a terminal, only settled lines and changes of the status are printed.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._state = ConnectionState()
        self._open: dict[str, TranscriptEntry] = {}
        self._printed: set[str] = set()
        self._began = time.monotonic()
        self._refresh: Callable[[], None] = lambda: None

    @contextmanager
    def shown(self) -> Generator[None]:
        """Show it for the length of the block."""
        if not self._console.is_terminal:
            yield
            return
        with Live(console=self._console, get_renderable=self._render, transient=True) as live:
            self._refresh = live.refresh
            yield
        self._refresh = lambda: None

    def take_state(self, state: ConnectionState) -> None:
        """Note a new state."""
        changed = state.status is not self._state.status
        if self._state.status is ConnectionStatus.IDLE:
            self._began = time.monotonic()
        self._state = state
        if changed:
            self._console.print(f"[dim]{self._clock()}  {state.status}[/dim]")

    def take_entry(self, entry: TranscriptEntry) -> None:
        """Note an entry, or its next revision."""
        if entry.item_id in self._printed:
            return
        if entry.final:
            self._open.pop(entry.item_id, None)
            if entry.content:
                self._printed.add(entry.item_id)
                self._console.print(self._line(entry))
        else:
            self._open[entry.item_id] = entry
        self._refresh()

    def _render(self) -> RenderableType:
        metrics = self._state.metrics
        trip = "" if metrics.round_trip_ms is None else f" · {metrics.round_trip_ms:.1f} ms"
        status = Text(f"{self._clock()}  {self._state.status}{trip}", style="dim")
        return Group(*(self._line(entry) for entry in self._open.values()), status)

    def _line(self, entry: TranscriptEntry) -> str:
        name = _NAMES[entry.speaker].ljust(_NAME_WIDTH)
        cut = " [dim](cut off)[/dim]" if entry.truncated else ""
        words = escape(entry.content) or "[dim]…[/dim]"
        return f"[{_STYLES[entry.speaker]}]{name}[/] {words}{cut}"

    def _clock(self) -> str:
        minutes, seconds = divmod(int(time.monotonic() - self._began), 60)
        return f"{minutes}:{seconds:02}"
