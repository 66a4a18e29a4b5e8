"""`viva engine`: the voice engine alone."""

import secrets
from typing import Any

import click

from vivavoce.cli.exits import StackFailed
from vivavoce.engine.app import run_until_signal
from vivavoce.engine.faults import EFFECTS
from vivavoce.settings import EngineSettings, load


async def run_engine_command(**options: Any) -> None:
    """Run the engine until SIGINT or SIGTERM. Its URL is the one line on standard output.

    Args:
        options: Settings of the engine without their prefix; None stands for one that is not given.

    Raises:
        SettingsError: If a setting is wrong.
        StackFailed: If the address cannot be had.
    """
    settings = _settings(**options)
    address = f"{settings.engine_host}:{settings.engine_port}"
    try:
        await run_until_signal(settings, click.echo)
    except* OSError as group:
        why: BaseException = group
        while isinstance(why, BaseExceptionGroup):
            why = why.exceptions[0]
        raise StackFailed(f"The engine cannot listen on {address}: {why}.") from None


def list_faults() -> None:
    """Print every fault: what it does, what the product does about it, and how it is found."""
    for fault, effect in EFFECTS.items():
        takes = effect.takes
        value = f"={takes.default:g}" if takes else ""
        click.echo(f"{fault}{value}")
        click.echo(f"    {effect.does}")
        click.echo(f"    the product: {effect.provokes}")
        click.echo(f"    red in --check: {effect.breaks}")


def _settings(**options: Any) -> EngineSettings:
    chosen = {f"engine_{name}": value for name, value in options.items() if value is not None}
    settings = load(EngineSettings, **chosen)
    if settings.engine_api_key is None:
        key = secrets.token_hex(24)
        click.echo(f"VIVA_ENGINE_API_KEY is not set; for this run: {key}", err=True)
        settings = load(EngineSettings, **chosen, engine_api_key=key)
    return settings
