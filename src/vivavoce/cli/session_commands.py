"""`viva sessions`: the interviews of the local tenant."""

# ruff: noqa: PLC0415

import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote, urlencode

import click
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from vivavoce.client import Edge

T = TypeVar("T")


@click.group(
    epilog="""\b
Examples:
  viva sessions list --status ended
  viva sessions show 5f0c7c1e-…
  viva sessions export 5f0c7c1e-… --format csv --output interview.csv
  viva sessions end 5f0c7c1e-…
"""
)
def sessions() -> None:
    """The interviews of the local tenant. Needs a running platform (`viva up`)."""


@sessions.command("list")
@click.option("--status", help="Only sessions in this status, such as active or ended.")
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True)
def list_sessions(status: str | None, limit: int) -> None:
    """List sessions, the newest first."""
    from vivavoce.cli.console import out
    from vivavoce.protocol.sessions import SessionPage

    query = urlencode({"limit": limit, **({"status": status} if status else {})})
    page = ask(lambda edge: edge.read(f"/v1/sessions?{query}", SessionPage))
    table = Table("session", "status", "ended by", "entries", "created", box=None)
    for session in page.sessions:
        table.add_row(
            session.session_id,
            session.status,
            session.end_reason or "",
            "" if session.item_count is None else str(session.item_count),
            f"{session.created_at:%Y-%m-%d %H:%M:%S}",
        )
    out.print(table)


@sessions.command("show")
@click.argument("session_id")
def show_session(session_id: str) -> None:
    """Show a session with its transcript."""
    from vivavoce.api.transcript_formats import Transcript
    from vivavoce.cli.console import out
    from vivavoce.protocol.sessions import SessionView

    path = f"/v1/sessions/{quote(session_id, safe='')}"

    async def read(edge: "Edge") -> tuple[SessionView, Transcript]:
        return (
            await edge.read(path, SessionView),
            await edge.read(f"{path}/transcript", Transcript),
        )

    session, transcript = ask(read)
    out.print(f"[bold]{session.session_id}[/bold]  {session.status} {session.end_reason or ''}")
    out.print(
        f"[dim]created {session.created_at:%Y-%m-%d %H:%M:%S} UTC, {session.architecture},"
        f" transcript {'complete' if transcript.complete else 'not (yet) complete'}[/dim]\n"
    )
    for entry in transcript.entries:
        name = "Interviewer" if entry.speaker == "ai" else "Candidate"
        mark = " [dim](cut off)[/dim]" if entry.truncated else ""
        out.print(
            f"[dim]{entry.timestamp:%H:%M:%S}[/dim] [bold]{name}[/bold] "
            f"{escape(entry.content)}{mark}"
        )


@sessions.command("export")
@click.argument("session_id")
@click.option(
    "--format",
    "form",
    type=click.Choice(["json", "md", "vtt", "csv"]),
    default="md",
    show_default=True,
)
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="File; else standard output."
)
def export_session(session_id: str, form: str, output: Path | None) -> None:
    """Write a transcript as JSON, Markdown, WebVTT or CSV."""
    path = f"/v1/sessions/{quote(session_id, safe='')}/transcript?format={form}"
    content = ask(lambda edge: edge.read_bytes(path))
    if output is None:
        sys.stdout.buffer.write(content)
    else:
        output.write_bytes(content)


@sessions.command("end")
@click.argument("session_id")
def end_session(session_id: str) -> None:
    """End a session that goes on."""

    async def end(edge: "Edge") -> None:
        await edge.end(quote(session_id, safe=""), await edge.user_token())

    ask(end)
    click.echo(f"{session_id} is ending.")


def ask(act: "Callable[[Edge], Awaitable[T]]") -> T:
    """Ask the API of this home as the local user."""
    from vivavoce.cli.access import api_url, local_token
    from vivavoce.cli.running import run
    from vivavoce.client import open_edge
    from vivavoce.settings import ServerSettings, load

    async def ask() -> T:
        settings = load(ServerSettings)
        async with open_edge(api_url(settings), local_token(settings)) as edge:
            return await act(edge)

    return run(ask)
