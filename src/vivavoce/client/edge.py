"""The control plane's HTTP edges, as a client sees them (design: "The wire")."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

import aiohttp
import msgspec

from vivavoce.errors import (
    AuthenticationFailed,
    NotFound,
    RateLimited,
    Unavailable,
    VivavoceError,
    from_code,
)
from vivavoce.protocol.codec import decode, encode
from vivavoce.protocol.interview_start import (
    InterviewStartRequest,
    InterviewStartResponse,
    SessionTokenResponse,
)
from vivavoce.protocol.messages import EndReason
from vivavoce.protocol.problem import Problem
from vivavoce.protocol.transcript import TranscriptBatch, TranscriptEvent, TranscriptReceipt

TIMEOUT_SECONDS: Final = 30.0
MAX_ANSWER_BYTES: Final = 8 * 1024 * 1024
_BY_STATUS: Final[Mapping[int, type[VivavoceError]]] = {
    401: AuthenticationFailed,
    404: NotFound,
    429: RateLimited,
}

T = TypeVar("T")
Ignored = Any
TokenSource = str | Callable[[], Awaitable[str]]
"""A token, or what gives a fresh one each time it is asked."""


class Edge:
    """Calls to one control plane. Made by `open_edge`."""

    def __init__(self, http: aiohttp.ClientSession, base_url: str, token: TokenSource) -> None:
        self._http = http
        self._base_url = base_url.rstrip("/")
        self._source = token
        self._token: str | None = None

    async def refresh(self) -> None:
        """Get a new token of the user's, where its source can give one."""
        if not isinstance(self._source, str):
            self._token = await self._source()

    async def user_token(self) -> str:
        """The user's or the invitation's token."""
        if self._token is None:
            self._token = self._source if isinstance(self._source, str) else await self._source()
        return self._token

    async def start(
        self, request: InterviewStartRequest, *, idempotency_key: str
    ) -> InterviewStartResponse:
        """Start a session; the same key gives the same session."""
        return await self._ask(
            "POST",
            "/functions/v1/interview-start",
            InterviewStartResponse,
            token=await self.user_token(),
            body=request,
            headers={"idempotency-key": idempotency_key},
        )

    async def renew(self, session_token: str) -> SessionTokenResponse:
        """Exchange a session token for a fresh one; it may have expired by five minutes."""
        return await self._ask(
            "POST",
            "/functions/v1/session-token",
            SessionTokenResponse,
            token=session_token,
            body={},
        )

    async def renew_as_user(self, session_id: str) -> SessionTokenResponse:
        """Get a token of a session with the user's own token."""
        return await self._ask(
            "POST",
            "/functions/v1/session-token",
            SessionTokenResponse,
            token=await self.user_token(),
            body={"sessionId": session_id},
        )

    async def report_call(self, session_id: str, session_token: str, call_id: str) -> None:
        """Tell of a call that we made ourselves (direct architecture), so that it can be ended."""
        await self._ask(
            "POST",
            f"/v1/sessions/{session_id}/call",
            Ignored,
            token=session_token,
            body={"callId": call_id},
        )

    async def send_transcript(
        self, session_token: str, events: Sequence[TranscriptEvent]
    ) -> TranscriptReceipt:
        """Store what we witnessed; answered after commit, and safe to repeat."""
        return await self._ask(
            "POST",
            "/functions/v1/transcript-processor",
            TranscriptReceipt,
            token=session_token,
            body=TranscriptBatch(events=list(events)),
        )

    async def end(
        self, session_id: str, token: str, *, reason: EndReason = EndReason.CANDIDATE_LEFT
    ) -> None:
        """End a session. One that is over is no error.

        Args:
            session_id: Which session.
            token: A session token, or a user's.
            reason: `completed` if the interview was brought to its end; else `candidate_left`.
        """
        body = {"reason": "completed" if reason == EndReason.COMPLETED else "candidate_left"}
        await self._ask("POST", f"/v1/sessions/{session_id}/end", Ignored, token=token, body=body)

    async def read(self, path: str, shape: type[T], *, token: str | None = None) -> T:
        """Read a resource, with the user's token unless another is given."""
        return await self._ask("GET", path, shape, token=token or await self.user_token())

    async def create(self, path: str, body: Any, shape: type[T]) -> T:
        """Make a resource, with the user's token."""
        return await self._ask("POST", path, shape, token=await self.user_token(), body=body)

    async def read_bytes(self, path: str) -> bytes:
        """Read a resource as it is, with the user's token."""
        headers = {"authorization": f"Bearer {await self.user_token()}"}
        status, answer, _ = await self._send("GET", self._base_url + path, headers, None)
        if status >= 400:  # noqa: PLR2004  client and server errors
            raise _refusal(status, answer)
        return answer

    async def exchange_sdp(self, url: str, secret: str, offer: str) -> tuple[str, str]:
        """Post an offer to the voice model with a client secret; give its answer and the call's id.

        Raises:
            SdpExchangeFailed: If it refuses, or does not answer.

        Source: OpenAI API reference, "Create call".
        """
        headers = {"authorization": f"Bearer {secret}", "content-type": "application/sdp"}
        status, answer, headers_back = await self._send("POST", url, headers, offer.encode())
        if status != 201:  # noqa: PLR2004  "Created"
            raise _refused_offer(status)
        call_id = headers_back.get("Location", "").rstrip("/").rsplit("/", 1)[-1]
        return answer.decode(errors="replace"), call_id

    async def _ask(
        self,
        method: str,
        path: str,
        shape: type[T],
        *,
        token: str,
        body: Any = None,
        headers: Mapping[str, str] = {},
    ) -> T:
        sent = {"authorization": f"Bearer {token}", **headers}
        if body is not None:
            sent["content-type"] = "application/json"
        content = None if body is None else encode(body)
        status, answer, _ = await self._send(method, self._base_url + path, sent, content)
        if status >= 400:  # noqa: PLR2004  client and server errors
            raise _refusal(status, answer)
        return decode(answer or b"null", shape, max_bytes=MAX_ANSWER_BYTES)

    async def _send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> tuple[int, bytes, Mapping[str, str]]:
        try:
            async with self._http.request(
                method, url, headers=headers, data=body, allow_redirects=False
            ) as response:
                if 300 <= response.status < 400:  # noqa: PLR2004  nothing of ours follows a redirect
                    raise Unavailable(f"{_origin(url)} redirects; give the address itself.")
                return response.status, await response.read(), response.headers
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unavailable(
                f"{_origin(url)} does not answer ({type(error).__name__})."
            ) from error


def _refusal(status: int, answer: bytes) -> VivavoceError:
    """Read a problem document; whatever stands between us and the API may answer otherwise."""
    try:
        problem = msgspec.json.decode(answer, type=Problem)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return _BY_STATUS.get(status, Unavailable)(f"The server answered with status {status}.")
    details: dict[str, Any] = {"requestId": problem.request_id}
    if problem.tried_regions is not None:
        details["triedRegions"] = problem.tried_regions
    return from_code(problem.code, problem.detail, retry_after=problem.retry_after, **details)


def _refused_offer(status: int) -> VivavoceError:
    if status in (401, 403):
        return AuthenticationFailed("The voice model does not take the client secret.")
    return from_code("SDP_EXCHANGE_FAILED", f"The voice model refused the offer ({status}).")


def _origin(url: str) -> str:
    return "/".join(url.split("/", 3)[:3])


@asynccontextmanager
async def open_edge(base_url: str, token: TokenSource) -> AsyncGenerator[Edge]:
    """Open the HTTP client for the length of the block.

    Args:
        base_url: Where the control plane is, such as `http://localhost:8000`.
        token: The user's access token or the invitation's, or what gives one.
    """
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout) as http:
        yield Edge(http, base_url, token)
