"""`viva interviews`: what is planned, and links for candidates."""

# ruff: noqa: PLC0415

from urllib.parse import quote

import click
from rich.table import Table

from vivavoce.cli.session_commands import ask


@click.group(
    epilog="""\b
Examples:
  viva interviews list
  viva interviews invite 10ca1000-… --name "Ada Lovelace" --days 7
"""
)
def interviews() -> None:
    """The planned interviews of the local tenant. Needs a running platform (`viva up`)."""


@interviews.command("list")
def list_interviews() -> None:
    """List interviews, the newest first."""
    from vivavoce.cli.console import out
    from vivavoce.protocol.interviews import InterviewPage

    page = ask(lambda edge: edge.read("/v1/interviews", InterviewPage))
    table = Table("interview", "title", "role", "questions", "minutes", box=None)
    for one in page.interviews:
        table.add_row(
            one.interview_id,
            one.title,
            one.role,
            str(len(one.questions)),
            f"{one.max_duration / 60:g}",
        )
    out.print(table)


@interviews.command("invite")
@click.argument("interview_id")
@click.option("--name", help="Who is invited.")
@click.option("--email", help="Where to.")
@click.option(
    "--days", type=click.IntRange(1, 366), default=14, show_default=True, help="Until it expires."
)
@click.option(
    "--uses",
    type=click.IntRange(1, 20),
    default=1,
    show_default=True,
    help="Sessions that it allows, one after the other.",
)
def invite(interview_id: str, name: str | None, email: str | None, days: int, uses: int) -> None:
    """Invite one candidate, and print the link. It is shown this once."""
    from vivavoce.protocol.interview_start import CandidateInfo
    from vivavoce.protocol.interviews import InvitationCreated, InvitationRequest

    wanted = InvitationRequest(
        candidate=CandidateInfo(name=name, email=email) if name or email else None,
        expires_in=days * 86_400,
        max_uses=uses,
    )
    path = f"/v1/interviews/{quote(interview_id, safe='')}/invitations"
    click.echo(ask(lambda edge: edge.create(path, wanted, InvitationCreated)).url)
