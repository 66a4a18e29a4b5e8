"""One interview on its machine: the candidate's connection, the calls, the limits, the end."""

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import anyio

from vivavoce.errors import (
    Conflict,
    InvalidRequest,
    RateLimited,
    SdpExchangeFailed,
    SessionEnded,
    TranscriptProcessingFailed,
    Unavailable,
    VivavoceError,
)
from vivavoce.protocol.machine import Claim, EndingReport, EventReport, ExitedReport, StatusReport
from vivavoce.protocol.messages import (
    CloseCode,
    EndReason,
    IceCandidateData,
    OfferData,
    SessionData,
    SessionDescription,
    SessionEndedData,
    SessionEndedMessage,
    SessionReadyData,
    SessionReadyMessage,
)
from vivavoce.protocol.transcript import TranscriptEntry
from vivavoce.proxy.admission import Admission
from vivavoce.proxy.calling import Calling
from vivavoce.proxy.http import HttpClient
from vivavoce.proxy.link import Link
from vivavoce.proxy.offers import MAX_ICE_CANDIDATES, checked_candidate, checked_offer
from vivavoce.proxy.outbox import Outbox
from vivavoce.proxy.reports import Reports
from vivavoce.proxy.timekeeping import Timekeeper
from vivavoce.proxy.uplink import Uplink
from vivavoce.proxy.waiting import until_set
from vivavoce.sessions.lifecycle import SessionStatus
from vivavoce.sessions.limits import Limit
from vivavoce.sessions.transcript import Transcript

FAREWELL_SECONDS: Final = 2.0
TELL_SECONDS: Final = 1.0  # for the control plane to learn of the end before the candidate does
MAX_WAITING_OFFERS: Final = 2
SETTLE_SECONDS: Final = 0.03
"""In which the control plane answers the start, before this machine dials it and others."""
_log: Final = logging.getLogger(__name__)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Session:
    """The interview that a machine was claimed for.

    Args:
        claim: Everything about it.
        http: For the voice model and the control plane.
        now: The wall clock.

    Attributes:
        claim: The claim.
        admission: Who may connect.
        ending: Why it ends, once it does.
    """

    def __init__(
        self,
        claim: Claim,
        http: HttpClient,
        *,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self.claim = claim
        self.admission = Admission(claim)
        self.ending: EndReason | None = None
        self._http = http
        self._now = now
        self._tasks = anyio.create_task_group()
        self._transcript = Transcript()
        self._transcript.merge(claim.known)
        self._time = Timekeeper(claim, now=now)
        uplink = Uplink(http, claim)
        self._reports = Reports(uplink, claim.machine_id)
        self._outbox = Outbox(
            uplink,
            claim.session_id,
            on_trouble=lambda _: self._tell_trouble(),
            on_refused=self._entry_was_refused,
        )
        self._calling = Calling(
            claim,
            http,
            self._tasks,
            self,
            transcript=self._transcript,
            time=self._time,
            reports=self._reports,
            now=now,
        )
        self._link: Link | None = None
        self._was_bound = claim.active_at is not None
        self._ended = anyio.Event()
        self._draining = False
        self._told_status: SessionStatus | None = None
        self._told_trouble = False
        self._answered_call_id: str | None = None
        self._offers = 0
        self._ice_candidates: list[IceCandidateData] = []
        self._late_ice_candidates = 0

    @property
    def status(self) -> SessionStatus:
        """Where the session stands, as far as this machine knows."""
        if self.ending is not None:
            return SessionStatus.ENDING
        if self._time.active_at is None:
            return SessionStatus.READY
        if self._link is not None and self._calling.is_live:
            return SessionStatus.ACTIVE
        return SessionStatus.RECONNECTING

    @property
    def call_id(self) -> str | None:
        """The current call, if there is one."""
        call = self._calling.call
        return call.call_id if call is not None and self._calling.is_live else None

    @property
    def unacknowledged(self) -> int:
        """Entries that may not be stored yet."""
        return len(self._outbox)

    async def run(self) -> None:
        """Hold the interview until it is over, and leave nothing behind.

        If this machine itself fails, calls are left as they are: another machine takes them over.
        """
        async with self._tasks:
            self._tasks.start_soon(self._outbox.run)
            self._tasks.start_soon(self._reports.run)
            self._tasks.start_soon(self._keep_limits)
            self._tasks.start_soon(self._prepare_soon)
            if self.claim.call_id is not None:
                self._calling.take_over(self.claim.call_id)
            await self._ended.wait()
            await self._finish(self.ending or EndReason.CALL_LOST)
            self._tasks.cancel_scope.cancel()

    def end(self, reason: EndReason) -> None:
        """End the interview; the first reason stays."""
        if self.ending is None:
            _log.info("the interview ends: %s", reason)
            self.ending = reason
            self._ended.set()

    def revoke(self, token_ids: Sequence[str] | None) -> None:
        """Refuse tokens from now on; None ends the session."""
        if token_ids is None:
            self.end(EndReason.REVOKED)
            return
        self.admission.revoke(token_ids)
        link = self._link
        if link is not None and link.identity.token_id in token_ids:
            link.close(CloseCode.AUTHENTICATION, "The token was revoked.")

    def pause(self, *, paused: bool) -> None:
        """Stop or start the idle clock."""
        self._time.pause(paused=paused)

    def drain(self) -> None:
        """Make no new calls."""
        self._draining = True

    # The candidate's connection.

    def bind(self, link: Link, data: SessionData) -> None:
        """Take a `session` message: this connection is the candidate's now."""
        is_other = link is not self._link
        if is_other:
            if self._link is not None:
                self._link.close(CloseCode.TAKEN_OVER, "Another connection took over.")
            self._link = link
            self._time.candidate_came()
            self._prepare()  # an offer is likely to follow
        resumed = self._was_bound
        self._was_bound = True
        if self._answered_call_id is not None and self._answered_call_id == self.call_id:
            self._calling.client_is_up()
        known = data.known or {}
        missing = self._transcript.wanted(known)
        link.post(self._ready(resumed=resumed, missing=missing))
        self._tasks.start_soon(self._calling.ask_for, missing)
        if is_other or data.known is not None:
            link.post_entries(self._transcript.missing(known))
        if self._told_trouble:
            link.post_error(_trouble())
        self.call_changed()

    def unbind(self, link: Link, *, left: bool) -> None:
        """Note that a connection is gone, for good if its client said so."""
        if link is self._link:
            self._link = None
            self._time.candidate_lost()
            if left:
                self.end(EndReason.CANDIDATE_LEFT)
            self.call_changed()

    def offer(self, link: Link, data: OfferData) -> None:
        """Take an offer; its answer, or why there is none, comes as a message.

        Raises:
            VivavoceError: If it is refused right away.
        """
        if link is not self._link:
            raise InvalidRequest("Send a session message first.")
        if self.ending is not None:
            raise SessionEnded("The interview is over.")
        if self._draining:
            raise Unavailable("This machine makes no new calls.", retry_after=1.0)
        if not link.offers.take():
            raise RateLimited("Too many offers; wait a little.", retry_after=5.0)
        if self._offers >= MAX_WAITING_OFFERS:
            raise Conflict("An offer is being answered; wait for it.")
        offer = checked_offer(data.sdp, self._ice_candidates)
        self._ice_candidates.clear()
        self._offers += 1
        self._tasks.start_soon(self._answer, link, offer, data.replaces)

    def ice_candidate(self, link: Link, data: IceCandidateData) -> None:
        """Keep a candidate path for the offer to come; the voice model takes none later.

        Raises:
            InvalidRequest: If it does not have the right form, or comes before `session`.
        """
        if link is not self._link:
            raise InvalidRequest("Send a session message first.")
        candidate = checked_candidate(data)
        if self._offers or self._calling.is_live:
            self._late_ice_candidates += 1
        elif candidate.candidate and len(self._ice_candidates) < MAX_ICE_CANDIDATES:
            self._ice_candidates.append(candidate)

    # What the calls tell.

    def told(self, entries: Sequence[TranscriptEntry]) -> None:
        """Pass changes of the transcript on: to the store, and to the candidate."""
        self._outbox.add(entries)
        if self._link is not None:
            self._link.post_entries(entries)

    def call_changed(self) -> None:
        """Tell those who need to know how the session stands."""
        call = self._calling.call
        if call is not None and call.up.is_set() and self._time.activate():
            _log.info("the interview is active")
        status = self.status
        before, self._told_status = self._told_status, status
        if status is not before:
            if status is SessionStatus.ACTIVE:
                self._reports.add(StatusReport(status="active", at=self._now()))
            elif status is SessionStatus.RECONNECTING:
                self._reports.add(StatusReport(status="reconnecting", at=self._now()))
            if SessionStatus.RECONNECTING in (before, status) and self._link is not None:
                self._link.post(self._ready(resumed=True))
        self._tell_trouble()

    # Inside.

    async def _prepare_soon(self) -> None:
        await anyio.sleep(SETTLE_SECONDS)
        self._prepare()

    def _prepare(self) -> None:
        """Connect to those whom an offer involves before it comes."""
        for url in (self.claim.voice.base_url, self.claim.control_url):
            self._tasks.start_soon(self._http.prepare, url)

    async def _answer(self, link: Link, offer: str, replaces: str | None) -> None:
        try:
            made = await self._calling.make(offer, replaces)
        except VivavoceError as error:
            _log.warning("an offer was not answered: %s", error.message)
            link.post_error(error)
            return
        finally:
            self._offers -= 1
        answer = SessionDescription(made.answer)
        self._answered_call_id = made.call_id
        link.post(self._ready(resumed=self._was_bound, answer=answer))
        self.call_changed()

    async def _keep_limits(self) -> None:
        while self.ending is None:
            due = await self._time.until_due()
            if isinstance(due, EndReason):
                self.end(due)
            elif due is Limit.CALL_LIFETIME:
                self._ask_for_another_call()

    def _ask_for_another_call(self) -> None:
        """The voice model ends long calls; only a new offer of the client makes another."""
        self._time.call_is_to_change()
        if self._link is not None:
            message = "This call has reached its longest time; offer one that replaces it."
            self._link.post_error(SdpExchangeFailed(message, replaces=self.call_id))

    async def _finish(self, reason: EndReason) -> None:
        """Last words, hang up, drain, report, say goodbye; each within its limit."""
        self.call_changed()
        listening, limits = self._calling.listening, self.claim.limits
        with anyio.move_on_after(limits.last_words):
            if self._calling.is_live and reason in (
                EndReason.COMPLETED,
                EndReason.MAX_DURATION,
                EndReason.ENDED_BY_RECRUITER,
            ):
                await listening.until_quiet()
            elif self._calling.is_live and reason is not EndReason.REVOKED:
                await listening.until_written()
        await self._calling.close()
        self.told(self._transcript.settle(now=self._now()))
        deadline = anyio.current_time() + limits.drain
        with anyio.CancelScope(deadline=deadline):
            await self._outbox.until_empty()
        is_complete = not len(self._outbox) and not self._outbox.lost
        count = self._transcript.item_count
        result: Any = {"reason": reason, "item_count": count, "transcript_complete": is_complete}
        # Whoever was told that it is over does not come back: nobody may take it over then.
        self._reports.add(EndingReport(**result, at=self._now()))
        with anyio.move_on_after(TELL_SECONDS):
            await self._reports.until_sent()
        await self._say_goodbye(reason, is_complete=is_complete)
        self._reports.add(ExitedReport(**result, at=self._now()))
        with anyio.CancelScope(deadline=max(deadline, anyio.current_time() + 1)):
            await self._reports.until_sent()
        _log.info("the interview is over: %s", reason)

    async def _say_goodbye(self, reason: EndReason, *, is_complete: bool) -> None:
        if (link := self._link) is not None:
            ended = SessionEndedData(reason=reason, transcript_complete=is_complete)
            link.post(SessionEndedMessage(data=ended, timestamp=self._now()))
            link.close(CloseCode.NORMAL, "The interview is over.")
            await until_set(link.closed, timeout=FAREWELL_SECONDS)

    def _tell_trouble(self) -> None:
        """Tell the candidate's client once when transcripts begin to fail, and when they work."""
        trouble = self._outbox.is_in_trouble or self._calling.is_deaf
        if trouble is self._told_trouble:
            return
        self._told_trouble = trouble
        if self._link is not None and trouble:
            self._link.post_error(_trouble())
        elif self._link is not None:
            self._link.post(self._ready(resumed=True))

    def _entry_was_refused(self, item_id: str, code: str) -> None:
        data = {"itemId": item_id, "code": code[:64]}
        self._reports.add(EventReport(kind="entry_refused", at=self._now(), data=data))

    def _ready(
        self,
        *,
        resumed: bool,
        answer: SessionDescription | None = None,
        missing: Sequence[str] = (),
    ) -> SessionReadyMessage:
        now = self._now()
        data = SessionReadyData(
            status=self.status,
            resumed=resumed,
            answer=answer,
            call_id=self.call_id,
            ice_servers=self.claim.ice_servers,
            expires_at=self._expires_at(now),
            missing=list(missing),
        )
        return SessionReadyMessage(data=data, timestamp=now)

    def _expires_at(self, now: datetime) -> datetime:
        active_at = self._time.active_at
        if active_at is None:
            return self.claim.expires_at
        left = active_at + self.claim.limits.max_duration - anyio.current_time()
        return min(self.claim.expires_at, now + timedelta(seconds=left))


def _trouble() -> TranscriptProcessingFailed:
    return TranscriptProcessingFailed(
        "The transcript is behind; the interview goes on, and what was said is kept."
    )
