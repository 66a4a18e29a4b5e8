"""The command `viva`. What a command needs is imported when it runs: help comes at once."""

# ruff: noqa: PLC0415

from pathlib import Path
from typing import Final

import click

from vivavoce.cli.database_commands import db
from vivavoce.cli.exits import Exit
from vivavoce.cli.interview_commands import interviews
from vivavoce.cli.running import guarded, interruptible, run
from vivavoce.cli.session_commands import sessions

_EXAMPLES: Final = """\b
Examples:
  viva demo               hold a whole spoken interview, and watch it
  viva up                 run everything on http://localhost:8000
  viva console            a link into the console
  viva accent '#7a1fa2'   the colour of your pages
  viva token              an access token for the local tenant
  viva interviews list    what is planned, and links for candidates
  viva sessions list      the interviews so far
  viva doctor             what works on this machine, and what does not

\b
Exit codes:
  0  done               1  it ran, and the outcome is bad
  2  wrong use          3  it cannot start       4  no answer
  5  not found          6  not allowed          70  our fault
 130  interrupted
"""


@click.group(
    context_settings={"help_option_names": ["-h", "--help"]}, epilog=_EXAMPLES, no_args_is_help=True
)
@click.version_option(package_name="vivavoce", message="%(version)s")
def viva() -> None:
    """Spoken interviews, held by a machine, on your own servers."""


@viva.command(
    epilog="""\b
Examples:
  viva demo
  viva demo --json | python -m json.tool
  viva demo --questions questions.txt --answers answers.txt
"""
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, and nothing else.")
@click.option(
    "--answers",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Sentences to answer with, one answer a line; a blank line is a silent answer.",
)
@click.option(
    "--questions",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Questions to ask, one a line.",
)
@click.option(
    "--architecture",
    type=click.Choice(["hybrid", "direct"]),
    default="hybrid",
    show_default=True,
    help="hybrid: through the session's machine; direct: straight to the voice model.",
)
def demo(as_json: bool, answers: Path | None, questions: Path | None, architecture: str) -> None:  # noqa: FBT001  click passes them by name
    """Hold a whole spoken interview with a candidate whose voice is synthesised.

    Uses the platform that `viva up` runs from the same home, if there is one; else starts one, for
    the length of the interview, and leaves nothing running.
    """
    from vivavoce.cli.demo_command import demo_command

    outcome = run(
        lambda: interruptible(lambda: demo_command(as_json, answers, questions, architecture))
    )
    raise SystemExit(Exit.DONE if outcome else Exit.BAD_OUTCOME)


@viva.command(
    epilog="""\b
Examples:
  viva up
  VIVA_PORT=9000 VIVA_HOME=/srv/viva viva up
  OPENAI_API_KEY=sk-… viva up         with OpenAI's voice model
"""
)
def up() -> None:
    """Run everything: Postgres, the voice engine, the API; until Ctrl-C.

    What dies is started again. Settings: `viva config show`.
    """
    from vivavoce.cli.up import run_up
    from vivavoce.settings import ServerSettings, load

    _log_to_stderr()
    run(lambda: run_up(load(ServerSettings)))


@viva.command(
    epilog="""\b
Examples:
  VIVA_ENGINE_API_KEY=$(openssl rand -hex 24) viva engine --port 8100
  viva engine --port 0                a free port, and a key made for this run
  viva engine --fault list            the faults that can be made on purpose
  viva engine --fault sideband-404*2 --fault late-transcripts=3
  viva engine --check http://127.0.0.1:8100 --api-key "$VIVA_ENGINE_API_KEY"
"""
)
@click.option("--port", type=click.IntRange(0, 65535), help="0 takes a free one. Default: 8100.")
@click.option("--host", help="Address to listen on. Default: 127.0.0.1.")
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="NAME[=VALUE][*TIMES]",
    help="Do something wrong on purpose; can be given again. `list` lists all.",
)
@click.option("--check", "url", metavar="URL", help="Check a running server, any of its kind.")
@click.option("--api-key", help="Its key. Default: VIVA_ENGINE_API_KEY.")
@click.option("--model", default="gpt-realtime-2.1", show_default=True, help="To ask it for.")
@click.option("--json", "as_json", is_flag=True, help="Print the check as one JSON object.")
def engine(  # noqa: PLR0917  click passes them by name
    port: int | None,
    host: str | None,
    faults: tuple[str, ...],
    url: str | None,
    api_key: str | None,
    model: str,
    as_json: bool,  # noqa: FBT001
) -> None:
    """Run the local voice engine alone, for any client of the OpenAI Realtime API.

    The key that clients must send is VIVA_ENGINE_API_KEY. The first SIGTERM or Ctrl-C lets the
    calls that live come to their end, a second one ends them.

    With --check it runs nothing, but holds two calls with a server of the OpenAI Realtime API, this
    engine or another, and says line by line what it does as clients expect. Exit code 1: a line is
    red.
    """
    from vivavoce.cli.engine_command import list_faults, run_engine_command

    if url is not None:
        from vivavoce.cli.check_command import check_command

        holds = run(
            lambda: interruptible(lambda: check_command(url, api_key, model, as_json=as_json))
        )
        raise SystemExit(Exit.DONE if holds else Exit.BAD_OUTCOME)
    if "list" in faults:
        list_faults()
        return
    _log_to_stderr()
    run(lambda: run_engine_command(port=port, host=host, faults=faults or None))


@viva.command(hidden=True)
@click.option("--end-sessions", is_flag=True, help="End all interviews before the end.")
def api(end_sessions: bool) -> None:  # noqa: FBT001  click passes it by name
    """Run the API alone, on a database and a voice model that others run."""
    from vivavoce.cli.api_command import run_api_command
    from vivavoce.settings import ServerSettings, load

    _log_to_stderr()
    run(lambda: run_api_command(load(ServerSettings), ends_sessions=end_sessions))


@viva.command(
    epilog="""\b
Examples:
  viva token
  curl -H "Authorization: Bearer $(viva token)" http://localhost:8000/v1/sessions
  viva token --ttl 60 --tenant 10ca1000-0000-4000-8000-000000000001
"""
)
@click.option("--role", default="authenticated", show_default=True, help="Database role.")
@click.option("--tenant", type=click.UUID, help="Tenant; the local one if not given.")
@click.option("--user", type=click.UUID, help="Subject; the local user if not given.")
@click.option(
    "--ttl", type=click.IntRange(1, 86_400 * 30), default=3600, show_default=True, help="Seconds."
)
def token(role: str, tenant: object, user: object, ttl: int) -> None:
    """Print an access token, signed with this home's keys or VIVA_SIGNING_KEYS."""
    from vivavoce.cli.access import local_token
    from vivavoce.cli.home import TENANT_ID, USER_ID, prepare_home
    from vivavoce.settings import ServerSettings, load

    def issue() -> str:
        settings = load(ServerSettings)
        prepare_home(settings.home)
        return local_token(
            settings,
            tenant_id=str(tenant or TENANT_ID),
            user_id=str(user or USER_ID),
            role=role,
            ttl=ttl,
        )

    click.echo(guarded(issue))


@viva.command(
    epilog="""\b
Examples:
  viva console
"""
)
def console() -> None:
    """Print a link into the console of the running platform, good for one use within an hour."""
    from vivavoce.cli.links import console_link_of_home
    from vivavoce.settings import ServerSettings, load

    click.echo(run(lambda: console_link_of_home(load(ServerSettings))))


@viva.command(
    epilog="""\b
Examples:
  viva accent '#7a1fa2'
  viva accent none                    the pages' own colour again
  viva accent '#7a1fa2' --tenant 10ca1000-0000-4000-8000-000000000001
"""
)
@click.argument("colour")
@click.option("--tenant", type=click.UUID, help="Tenant; the local one if not given.")
def accent(colour: str, tenant: object) -> None:
    """Give a tenant's pages an accent COLOUR, as #rrggbb.

    It must be dark enough to be read on a light page; a lighter one for dark pages is made of it.
    """
    from vivavoce.cli.accent_command import accent_command
    from vivavoce.cli.home import TENANT_ID
    from vivavoce.settings import ServerSettings, load

    wanted = None if colour == "none" else colour
    name = run(
        lambda: accent_command(load(ServerSettings), str(tenant or TENANT_ID), accent=wanted)
    )
    click.echo(f"{name}: {'the pages have their own colour' if wanted is None else colour}.")


@viva.command()
def doctor() -> None:
    """Check what works on this machine, and say what to do about what does not."""
    from vivavoce.cli.doctor import examine

    raise SystemExit(Exit.DONE if run(examine) else Exit.BAD_OUTCOME)


@viva.group()
def config() -> None:
    """Settings: from the environment, one TOML file, and defaults."""


@config.command("show")
def config_show() -> None:
    """List every setting with its value and where it comes from. Secrets are hidden."""
    from vivavoce.cli.config_command import show_config

    guarded(show_config)


def _log_to_stderr() -> None:
    from vivavoce.logs import configure_logs
    from vivavoce.settings import Settings, load

    settings = guarded(lambda: load(Settings))
    configure_logs(
        level=settings.log_level,
        format=settings.log_format,
        personal_data=settings.log_personal_data,
    )


viva.add_command(sessions)
viva.add_command(interviews)
viva.add_command(db)


def main() -> None:
    """Run `viva` with the arguments of the command line."""
    viva(prog_name="viva")


if __name__ == "__main__":
    main()
