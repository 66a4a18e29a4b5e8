"""The key of a call that is about to be, minted while the session is let in.

To ask the voice model takes longer than anything else in a start, and nearly every start is let in.
So the key is asked for at once, except where a start of the same tenant came to nothing a moment
ago: who is refused again and again costs the voice model one request in `PATIENCE_SECONDS`.
"""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import anyio

from vivavoce.control.voice_model import VoiceModel
from vivavoce.errors import Unavailable, VivavoceError
from vivavoce.protocol.interview_start import ClientSecret

PATIENCE_SECONDS: Final = 10.0
MAX_REMEMBERED: Final = 10_000


@dataclass
class Refusals:
    """Tenants whose starts came to nothing a moment ago."""

    _at: dict[str, float] = field(default_factory=dict)

    def note(self, tenant_id: str) -> None:
        """Remember one, and forget what is long ago."""
        self._at.pop(tenant_id, None)
        self._at[tenant_id] = anyio.current_time()
        while len(self._at) > MAX_REMEMBERED or not self.has(next(iter(self._at))):
            del self._at[next(iter(self._at))]

    def has(self, tenant_id: str) -> bool:
        """Whether there was one within `PATIENCE_SECONDS`."""
        return anyio.current_time() - self._at.get(tenant_id, -PATIENCE_SECONDS) < PATIENCE_SECONDS


class Minting:
    """A key on its way. Made by `minting`."""

    def __init__(self) -> None:
        self._wanted = anyio.Event()
        self._done = anyio.Event()
        self._secret: ClientSecret | None = None
        self._error: VivavoceError | None = None

    def want(self) -> None:
        """Ask for it, if nobody has."""
        self._wanted.set()

    async def key(self) -> ClientSecret:
        """Wait for it.

        Raises:
            Unavailable: If the voice model refuses, has no room, or is silent.
        """
        self.want()
        await self._done.wait()
        if self._secret is None:
            raise self._error or Unavailable("The call could not be prepared; try again.")
        return self._secret

    async def run(self, voice: VoiceModel, call: Mapping[str, Any]) -> None:
        """Mint it once it is wanted."""
        try:
            await self._wanted.wait()
            self._secret = await voice.create_client_secret(call)
        except VivavoceError as error:
            self._error = error
        finally:
            self._done.set()


@asynccontextmanager
async def minting(
    voice: VoiceModel,
    call: Mapping[str, Any],
    *,
    at_once: bool,
    meanwhile: Callable[[], None] = lambda: None,
) -> AsyncGenerator[Minting, None]:
    """Mint a key with the full configuration: that proves key, model and configuration.

    Leaving the block gives up on it.

    Args:
        voice: Who mints it.
        call: Configuration of the call.
        at_once: Without waiting until it is wanted.
        meanwhile: Called when it is asked for, while both the voice model and the block wait.
    """
    failure: Exception | None = None
    async with anyio.create_task_group() as tasks:
        minted = Minting()
        if at_once:
            minted.want()
        tasks.start_soon(minted.run, voice, call)
        tasks.start_soon(_call, meanwhile)
        try:
            yield minted
        except Exception as error:  # noqa: BLE001  raised below, not wrapped in a group
            failure = error
        tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure


async def _call(act: Callable[[], None]) -> None:
    act()
