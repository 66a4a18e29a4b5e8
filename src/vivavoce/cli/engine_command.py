"""`viva engine`: the voice engine alone."""

import secrets
import signal
from typing import Any

import anyio
import click

from vivavoce.engine.app import run_engine
from vivavoce.settings import EngineSettings, load


async def run_engine_command(*, port: int | None, host: str | None) -> None:
    """Run the engine until SIGINT or SIGTERM. Its URL is the one line on standard output.

    Raises:
        SettingsError: If a setting is wrong.
        StackFailed: If the address cannot be had.
    """
    settings = _settings(port=port, host=host)
    async with anyio.create_task_group() as tasks:
        with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            url = await tasks.start(run_engine, settings)
            click.echo(url)
            async for _ in signals:
                tasks.cancel_scope.cancel()
                return


def _settings(**options: Any) -> EngineSettings:
    chosen = {f"engine_{name}": value for name, value in options.items() if value is not None}
    settings = load(EngineSettings, **chosen)
    if settings.engine_api_key is None:
        key = secrets.token_hex(24)
        click.echo(f"VIVA_ENGINE_API_KEY is not set; for this run: {key}", err=True)
        settings = load(EngineSettings, **chosen, engine_api_key=key)
    return settings
