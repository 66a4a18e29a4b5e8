"""What OpenAI's servers have and this one has not, each with a sentence for clients."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from vivavoce.engine.refusals import Refused

_ELSEWHERE: Final[Mapping[str, str]] = MappingProxyType(
    {
        r"/v1/realtime/calls/[^/]+/(accept|reject|refer)": (
            "Calls over SIP are not supported; calls over WebRTC are answered as they are made."
        ),
        r"/v1/realtime/sessions": (
            "This was in the beta; POST /v1/realtime/client_secrets makes a client secret."
        ),
        r"/v1/realtime/transcription_sessions": (
            "Transcription sessions are not supported; use a session of type realtime."
        ),
        r"/v1/realtime/translations.*": "Translation is not supported.",
        r"/v1/live.*": (
            "The Live API is not supported; this is a server of the Realtime API, at /v1/realtime."
        ),
    }
)
_NOTHING: Final = "There is nothing at this address; this is a server of OpenAI's Realtime API."


def no_such_address(path: str) -> Refused:
    """Refuse a path that is not served, and say what to use where that is known."""
    for pattern, sentence in _ELSEWHERE.items():
        if re.fullmatch(pattern, path.rstrip("/")):
            return Refused(sentence, status=404, code="not_supported")
    return Refused(_NOTHING, status=404, code="unknown_url")
