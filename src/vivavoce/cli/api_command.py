"""`viva api`: the API on a database and a voice model that others run."""

import signal

import anyio
import click

from vivavoce.api.app import run_api
from vivavoce.cli.access import local_keys
from vivavoce.cli.exits import StackFailed
from vivavoce.machines.process import open_process_provider, runtime_folder
from vivavoce.machines.provider import MachineFailure
from vivavoce.protocol.machine import VoiceAccess
from vivavoce.settings import ServerSettings, SettingsError, VoiceEndpoint
from vivavoce.store.pool import open_database


async def run_api_command(settings: ServerSettings, *, ends_sessions: bool) -> None:
    """Serve until SIGINT or SIGTERM. Its URL is the one line on standard output.

    Args:
        settings: Of the program.
        ends_sessions: End all interviews before the end. Else their machines live on, for the
            next API to find.

    Raises:
        SettingsError: If the database or the voice model is not set.
        StackFailed: If the address cannot be had, or machines cannot be started.
        Unavailable: If the database does not answer.
    """
    dsn, voice = _required(settings)
    stop = anyio.Event()
    has_started = anyio.Event()

    def tell(url: str) -> None:
        has_started.set()
        click.echo(url)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_stop_on_signal, stop)
        try:
            async with (
                open_database(dsn, max_size=settings.database_max_connections) as database,
                open_process_provider(
                    runtime_folder(settings.home), regions=settings.regions
                ) as provider,
            ):
                await run_api(
                    settings,
                    database=database,
                    provider=provider,
                    voice=VoiceAccess(
                        base_url=voice.base_url, api_key=voice.api_key.get_secret_value()
                    ),
                    keys=local_keys(settings),
                    started=tell,
                    stop=stop,
                    end_sessions_on_stop=ends_sessions,
                )
        except (OSError, ValueError, MachineFailure) as error:
            if has_started.is_set():  # a fault of ours, not of the surroundings
                raise
            raise StackFailed(f"The API cannot be started: {error}") from error
        tasks.cancel_scope.cancel()


async def _stop_on_signal(stop: anyio.Event) -> None:
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for _ in signals:
            stop.set()
            return


def _required(settings: ServerSettings) -> tuple[str, VoiceEndpoint]:
    if settings.database_url is None:
        raise SettingsError("VIVA_DATABASE_URL: needed by `viva api`; `viva up` brings a database.")
    if settings.voice is None:
        raise SettingsError(
            "VIVA_VOICE_BASE_URL or OPENAI_API_KEY: needed by `viva api`; `viva up` brings an"
            " engine."
        )
    return settings.database_url.get_secret_value(), settings.voice
