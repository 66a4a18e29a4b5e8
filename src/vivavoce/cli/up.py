"""`viva up`: the whole platform until it is told to stop."""

import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
import click

from vivavoce.cli.console import progress
from vivavoce.cli.home import announce, hold_home
from vivavoce.cli.links import console_link, trial_link
from vivavoce.cli.stack import Progress, Stack, open_api, open_database, open_engine
from vivavoce.settings import ServerSettings
from vivavoce.store.pool import open_database as open_pool


@asynccontextmanager
async def open_platform(
    settings: ServerSettings, *, on_progress: Progress
) -> AsyncGenerator[Stack]:
    """Run everything from one home for the length of the block.

    Raises:
        StackFailed: If something cannot be started, with what to do about it.
    """
    with hold_home(settings.home):
        async with (
            open_engine(settings) as engine,
            open_database(settings, on_progress=on_progress) as database,
            open_api(settings, database, engine, on_progress=on_progress) as stack,
        ):
            announce(settings.home, stack.url)
            yield stack


async def run_up(settings: ServerSettings) -> None:
    """Run everything until SIGINT or SIGTERM."""
    async with anyio.create_task_group() as tasks:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:

            async def watch_signals() -> None:
                async for _ in signals:
                    tasks.cancel_scope.cancel()
                    return

            tasks.start_soon(watch_signals)
            with progress() as on_progress:
                await tasks.start(_serve, settings, on_progress)
            await anyio.sleep_forever()
    click.echo("Stopped.")


async def _links(stack: Stack) -> list[tuple[str, str]]:
    """Ways in that can be opened at once."""
    async with open_pool(stack.database.dsn, min_size=1, max_size=1) as database:
        links = [("console, one use ", await console_link(database, stack.url))]
        trial = await trial_link(database, stack.url)
    return links if trial is None else [*links, ("a trial interview", trial)]


async def _serve(
    settings: ServerSettings,
    on_progress: Progress,
    *,
    task_status: anyio.abc.TaskStatus[None],
) -> None:
    async with open_platform(settings, on_progress=on_progress) as stack:
        task_status.started()
        click.echo(f"Vivavoce is up: {stack.url}")
        for words, link in await _links(stack):
            click.echo(f"  {words}  {link}")
        click.echo(f"  HTTP interface    {stack.url}/openapi.json")
        click.echo(f"  state and logs    {settings.home}")
        click.echo("  an access token   viva token")
        click.echo("Ctrl-C stops it.")
        await anyio.sleep_forever()
