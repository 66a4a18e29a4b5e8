"""The demo at the terminal: what goes in, and how the outcome is told."""

from pathlib import Path
from typing import TYPE_CHECKING, cast

import click
import msgspec
from rich.table import Table

from vivavoce.cli.console import err, out, progress
from vivavoce.cli.demo import Script, run_demo
from vivavoce.cli.outcome import Outcome
from vivavoce.cli.screen import Screen
from vivavoce.errors import InvalidRequest
from vivavoce.logs import configure_logs

if TYPE_CHECKING:
    from vivavoce.protocol.interview_start import Architecture

MAX_LINES = 100


async def demo_command(
    as_json: bool,  # noqa: FBT001  from click, by name
    answers: Path | None,
    questions: Path | None,
    architecture: str,
) -> bool:
    """Hold the interview and print its outcome; say whether it was good."""
    configure_logs(level="WARNING")
    script = _script(answers, questions, architecture)
    screen = None if as_json else Screen(out)
    with progress() as on_progress:
        outcome = await run_demo(script, screen, on_progress=on_progress)
    if as_json:
        click.echo(msgspec.json.encode(outcome).decode())
    else:
        _print(outcome)
    return outcome.is_good


def _script(answers: Path | None, questions: Path | None, architecture: str) -> Script:
    changes: dict[str, list[str]] = {}
    if answers is not None:
        changes["answers"] = _lines(answers)
    if questions is not None:
        changes["questions"] = [line for line in _lines(questions) if line]
        if not changes["questions"]:
            raise InvalidRequest(f"{questions} has no question in it.")
    return Script(architecture=cast("Architecture", architecture), **changes)


def _lines(path: Path) -> list[str]:
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeError) as error:
        raise InvalidRequest(f"{path} cannot be read as UTF-8 text.") from error
    if len(lines) > MAX_LINES:
        raise InvalidRequest(f"{path} has more than {MAX_LINES} lines.")
    return lines


def _print(outcome: Outcome) -> None:
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    left, ms = outcome.left_running, outcome.ms
    rows = {
        "session": outcome.session_id,
        "ended": outcome.reason or "not by itself",
        "entries": f"{outcome.entries} ({_counts(outcome.speakers)})",
        "in order": _yes(outcome.ordered),
        "stored = heard": _yes(outcome.stored_equals_heard),
        "word error rate": f"{outcome.word_error_rate:.1%}",
        "start": _ms(ms.start),
        "offer → answer": _ms(ms.offer_answer),
        "connected": _ms(ms.connected),
        "first audio": _ms(ms.first_audio),
        "voice to voice": _ms(ms.voice_to_voice_p50),
        "left running": f"{left.processes} processes, {left.sockets} sockets, {left.calls} calls,"
        f" {left.rows} rows",
    }
    for name, value in rows.items():
        table.add_row(f"[dim]{name}[/dim]", value)
    out.print()
    out.print(table)
    if not outcome.is_good:
        err.print("[bold red]The interview was not held and kept as promised.[/bold red]")


def _counts(speakers: dict[str, int]) -> str:
    return ", ".join(f"{speaker} {count}" for speaker, count in speakers.items())


def _yes(holds: bool) -> str:  # noqa: FBT001  one value in, its word out
    return "yes" if holds else "[bold red]no[/bold red]"


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f} ms"
