"""Waiting for several things at once, with a limit."""

from collections.abc import Iterable

import anyio


async def until_any(events: Iterable[anyio.Event], *, timeout: float) -> bool:
    """Wait for the first of several events; False if none comes within `timeout` seconds."""
    came = False
    with anyio.move_on_after(timeout):
        async with anyio.create_task_group() as tasks:

            async def wait(event: anyio.Event) -> None:
                nonlocal came
                await event.wait()
                came = True
                tasks.cancel_scope.cancel()

            for event in events:
                tasks.start_soon(wait, event)
    return came


async def until_set(event: anyio.Event, *, timeout: float) -> bool:
    """Wait for an event; False if it does not come within `timeout` seconds."""
    with anyio.move_on_after(timeout):
        await event.wait()
    return event.is_set()
