"""The voice model, as far as the control plane calls it: keys for calls, and hanging up."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from vivavoce.protocol.interview_start import ClientSecret
from vivavoce.protocol.machine import VoiceAccess
from vivavoce.voice import calls, secrets


@dataclass(frozen=True)
class VoiceModel:
    """One voice model, over one shared set of connections."""

    http: aiohttp.ClientSession
    access: VoiceAccess
    timeout: float = 10.0
    """Seconds for each answer."""

    @property
    def calls_url(self) -> str:
        """Where clients of the direct architecture post their offer."""
        return f"{self.access.base_url}/realtime/calls"

    async def create_client_secret(self, session: Mapping[str, Any]) -> ClientSecret:
        """Mint a key for one call, which proves key, model and configuration.

        Raises:
            Unavailable: If the voice model refuses, has no room, or is silent.
        """
        return await secrets.create_client_secret(
            self.http, self.access, session, timeout=self.timeout
        )

    async def create_call(self, offer: str, session: Mapping[str, Any]) -> calls.Call:
        """Make a call on behalf of a browser.

        Raises:
            SdpExchangeFailed: If the voice model refuses the offer, has no room, or is silent.
        """
        return await calls.create_call(self.http, self.access, offer, session, timeout=self.timeout)

    async def hang_up(self, call_id: str) -> None:
        """End a call. One that is over already is fine.

        Raises:
            Unavailable: If the voice model does not answer; the call may go on.
        """
        await calls.hang_up(self.http, self.access, call_id)
