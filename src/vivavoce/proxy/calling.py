"""The calls of a session: made, replaced, listened to, hung up."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, Protocol

import anyio
from anyio.abc import TaskGroup

from vivavoce.errors import SessionEnded, Unavailable
from vivavoce.protocol import realtime
from vivavoce.protocol.machine import CallEndedReport, CallReport, Claim, EventReport
from vivavoce.protocol.messages import MAX_KNOWN_ITEMS, EndReason
from vivavoce.protocol.transcript import Speaker, TranscriptEntry
from vivavoce.proxy.call import VoiceCall
from vivavoce.proxy.configuration import IssuedConfiguration
from vivavoce.proxy.http import HttpClient
from vivavoce.proxy.link import Allowance
from vivavoce.proxy.listening import Listening
from vivavoce.proxy.reports import Reports
from vivavoce.proxy.timekeeping import Timekeeper
from vivavoce.proxy.uplink import backoff
from vivavoce.proxy.waiting import until_any, until_set
from vivavoce.sessions.interview import END_INTERVIEW, restoration
from vivavoce.sessions.transcript import Transcript
from vivavoce.voice.calls import Call, create_call, hang_up

ATTACH_SECONDS: Final = 3.5
REPORT_SECONDS: Final = 2.0
FIRST_WORDS_SECONDS: Final = 1.0
"""How long the interviewer waits for the client's word that media is up, before it speaks."""
RETIRE_SECONDS: Final = 15.0
HANG_UP_SECONDS: Final = 8.0
RESTORE_SECONDS: Final = 0.2
MAX_SEEDED_ITEMS: Final = 300
MAX_SEEDED_CHARACTERS: Final = 100_000
MAX_RETRIEVED_ITEMS: Final = 100
MAX_FUNCTION_CALLS: Final = 1_000
_HANG_UP_ATTEMPTS: Final = 4
_log: Final = logging.getLogger(__name__)


class CallingSession(Protocol):
    """What calls tell their session."""

    def told(self, entries: Sequence[TranscriptEntry]) -> None:
        """The transcript has changed."""

    def end(self, reason: EndReason) -> None:
        """The interview is to end."""

    def call_changed(self) -> None:
        """A call came up, ended, or is heard again."""


class Calling:
    """Makes calls and follows them; one is current, one that it replaces may linger.

    Attributes:
        call: The newest call, if there was one.
        listening: What is being said in it.
        is_deaf: Whether the sideband of the current call could not be had for some time.
    """

    def __init__(  # noqa: D417  the rest is named for what it is
        self,
        claim: Claim,
        http: HttpClient,
        tasks: TaskGroup,
        session: CallingSession,
        *,
        transcript: Transcript,
        time: Timekeeper,
        reports: Reports,
        now: Callable[[], datetime],
    ) -> None:
        """Set up without a call.

        Args:
            session: Is told what happens.
        """
        self.call: VoiceCall | None = None
        self.listening = Listening(time)
        self.is_deaf = False
        self._claim = claim
        self._http = http
        self._tasks = tasks
        self._session = session
        self._transcript = transcript
        self._time = time
        self._reports = reports
        self._now = now
        self._lock = anyio.Lock()
        self._is_closed = False
        self._making = anyio.CancelScope()
        self._live: dict[str, VoiceCall] = {}
        self._configurations: dict[str, IssuedConfiguration] = {}
        self._restoring = False
        self._tamper_reports = Allowance(rate=0.2, burst=20)
        self._answered: set[str] = set()
        self._asked: set[str] = set()

    @property
    def is_live(self) -> bool:
        """Whether there is a call."""
        return self.call is not None and not self.call.over.is_set()

    async def make(self, offer: str, replaces: str | None) -> Call:
        """Make a call, open its sideband, and report it, before anybody gets the answer.

        Raises:
            SdpExchangeFailed: If the voice model does not answer the offer.
            SessionEnded: If the session ended meanwhile.
        """
        async with self._lock:
            made: Call | None = None
            self._making = anyio.CancelScope()
            if self._is_closed:
                self._making.cancel()
            with self._making:
                made = await create_call(
                    self._http, self._claim.voice, offer, self._claim.call_config
                )
            if made is None:
                raise SessionEnded("The interview is over.")
            previous = self.call
            call = self._hold(VoiceCall(self._claim.voice, made.call_id, self))
            self._time.call_made()
            replaced = previous.call_id if previous is not None else replaces
            report = CallReport(call_id=call.call_id, created_at=self._now(), replaces=replaced)
            reported = self._reports.add(report)
            self._tasks.start_soon(call.follow)
            report_until = anyio.current_time() + REPORT_SECONDS
            await until_set(call.settled, timeout=ATTACH_SECONDS)
            with anyio.CancelScope(deadline=report_until):
                await reported.wait()
            call.is_answered = True
            if not call.attached.is_set():
                self.call_deaf(call, lasting=True)
            self._tasks.start_soon(self._begin, call)
            if previous is not None and not previous.over.is_set():
                self._tasks.start_soon(self._retire, previous, call)
            return made

    def take_over(self, call_id: str) -> None:
        """Attach to a call that another machine made."""
        call = self._hold(VoiceCall(self._claim.voice, call_id, self, is_taken_over=True))
        self._tasks.start_soon(call.follow)
        self._time.call_made()

    def client_is_up(self) -> None:
        """Take the client's word that its call carries audio."""
        if self.call is not None and self.call.attached.is_set():
            self._came_up(self.call)

    async def ask_for(self, item_ids: Sequence[str]) -> None:
        """Ask the voice model for items that somebody else has seen: it is the better witness."""
        if item_ids and self.call is not None:
            asked = item_ids[:MAX_RETRIEVED_ITEMS]
            await self.call.send(*map(realtime.retrieve_item, asked))

    async def close(self) -> None:
        """Make no more calls; hang up all that there are."""
        self._is_closed = True
        self._making.cancel()
        with anyio.move_on_after(HANG_UP_SECONDS):
            async with self._lock:
                pass  # a call that was made at this moment is known then
        async with anyio.create_task_group() as tasks:
            for call in list(self._live.values()):
                tasks.start_soon(self._hang_up, call)

    # What the calls tell.

    async def call_attached(self, call: VoiceCall, *, again: bool) -> None:
        """Seed a new conversation, or ask for what was missed of one that goes on."""
        if call is self.call:
            self.is_deaf = False
            self._time.hear(hearing=True)
        if not call.attached.is_set():
            # Once somebody has the answer, the configuration may have been changed.
            is_unsure = call.is_taken_over or call.is_answered
            self._configurations[call.call_id] = IssuedConfiguration(
                self._claim.call_config, is_unsure=is_unsure
            )
            if is_unsure:
                await call.send(realtime.session_update(restoration(self._claim.call_config)))
        if again:
            call.has_gaps = True
            await self.ask_for(self._transcript.open_items())
            if call.is_taken_over:
                self._came_up(call)
        else:
            if not any(other is not call for other in self._live.values()):
                self._session.told(self._transcript.settle(now=self._now()))
            entries = self._transcript.entries()
            call.is_interviewers_turn = _is_interviewers_turn(entries)
            await call.send(*map(_seed, _recent(entries)))
        self._session.call_changed()

    def call_deaf(self, call: VoiceCall, *, lasting: bool) -> None:
        """Stop the clock that needs ears; say so if it lasts."""
        if call is self.call:
            self._time.hear(hearing=False)
            self.is_deaf = self.is_deaf or lasting
            self._session.call_changed()

    async def call_event(self, call: VoiceCall, event: realtime.ServerEvent) -> None:
        """Take an event of any call; the interviewer's acts count in the current one only."""
        entries = self._transcript.apply(event, now=self._now())
        if entries:
            self._session.told(entries)
        await self._mind_the_gap(call, event)
        self._check_configuration(call, event)
        if call is not self.call:
            return
        if self.listening.take(event):
            self._came_up(call)
        if isinstance(event, realtime.OutputItemDone) and event.item.type == "function_call":
            item = event.item
            await self._answer_function(call, item.name, item.call_id or "", item.arguments or "")
        elif isinstance(event, realtime.FunctionCallArgumentsDone) and event.name:
            await self._answer_function(call, event.name, event.call_id, event.arguments)

    async def _mind_the_gap(self, call: VoiceCall, event: realtime.ServerEvent) -> None:
        """Ask for an item that another one follows and that came while nobody listened."""
        if call.has_gaps and isinstance(event, realtime.Committed | realtime.ItemAdded):
            named = event.previous_item_id
            if named is None or named in self._asked or len(self._asked) >= MAX_KNOWN_ITEMS:
                return
            self._asked.add(named)
            await self.ask_for(self._transcript.wanted({named: 0}))

    def call_over(self, call: VoiceCall) -> None:
        """Note that a call is gone without our doing."""
        _log.info("call %s is over", call.call_id)
        self._forget(call)

    # Acts.

    def _hold(self, call: VoiceCall) -> VoiceCall:
        self.call = self._live[call.call_id] = call
        self.is_deaf = False
        self.listening.reset()
        return call

    async def _begin(self, call: VoiceCall) -> None:
        """Let the interviewer speak first, or go on, once somebody can hear it.

        The voice model does not tell us when media is up. The client does, by a `session` message;
        for clients that do not, a second after the answer is the guess.
        """
        await until_any((call.up, call.over), timeout=FIRST_WORDS_SECONDS)
        await until_any((call.attached, call.over), timeout=self._claim.limits.max_duration)
        if call is self.call and call.is_interviewers_turn and not self.listening.has_begun:
            await call.send(realtime.create_response())

    def _came_up(self, call: VoiceCall) -> None:
        if not call.up.is_set():
            call.up.set()
            self._session.call_changed()

    async def _retire(self, previous: VoiceCall, call: VoiceCall) -> None:
        """Keep a call until the one that replaces it carries audio; go back to it if that fails."""
        await until_any((call.up, call.over), timeout=RETIRE_SECONDS)
        if call.over.is_set() and not call.up.is_set() and not previous.over.is_set():
            self.call = previous
            self._time.call_made()
            self._session.call_changed()
        elif not previous.over.is_set():
            await self._hang_up(previous)

    async def _hang_up(self, call: VoiceCall) -> None:
        with anyio.move_on_after(HANG_UP_SECONDS, shield=True):
            for attempt in range(1, _HANG_UP_ATTEMPTS + 1):
                try:
                    await hang_up(self._http, self._claim.voice, call.call_id)
                except Unavailable as error:
                    _log.warning("call %s was not hung up: %s", call.call_id, error)
                    await anyio.sleep(backoff(attempt))
                else:
                    self._reports.add(CallEndedReport(call_id=call.call_id))
                    break
        call.stop()
        self._live.pop(call.call_id, None)

    def _forget(self, call: VoiceCall) -> None:
        self._live.pop(call.call_id, None)
        self._configurations.pop(call.call_id, None)
        self._reports.add(CallEndedReport(call_id=call.call_id))
        if call is self.call:
            self._time.call_lost()
            self._session.call_changed()

    async def _answer_function(
        self, call: VoiceCall, name: str | None, function_call_id: str, arguments: str
    ) -> None:
        """Answer a function call of the interviewer, once."""
        if function_call_id in self._answered or len(self._answered) >= MAX_FUNCTION_CALLS:
            return
        self._answered.add(function_call_id)
        if name == END_INTERVIEW:
            await call.send(realtime.create_function_output(function_call_id, '{"ok":true}'))
            self._session.end(_reason(arguments))
        else:
            output = '{"error":"There is no such function."}'
            await call.send(
                realtime.create_function_output(function_call_id, output),
                realtime.create_response(),
            )

    # The configuration of the call.

    def _check_configuration(self, call: VoiceCall, event: realtime.ServerEvent) -> None:
        configuration = self._configurations.get(call.call_id)
        if configuration is None:
            return
        fields: list[str] = []
        if isinstance(event, realtime.SessionCreated):
            fields = configuration.created(event.session)
        elif isinstance(event, realtime.SessionUpdated):
            fields = configuration.updated(event.session)
        if not fields:
            return
        _log.warning("the configuration of call %s was changed: %s", call.call_id, fields)
        if self._tamper_reports.take():
            data: dict[str, Any] = {"callId": call.call_id, "fields": fields[:20]}
            self._reports.add(EventReport(kind="configuration_changed", at=self._now(), data=data))
        if not self._restoring:
            self._restoring = True
            self._tasks.start_soon(self._restore, call)

    async def _restore(self, call: VoiceCall) -> None:
        """Put the configuration back; at most five times a second, whoever keeps changing it."""
        await call.send(realtime.session_update(restoration(self._claim.call_config)))
        await anyio.sleep(RESTORE_SECONDS)
        self._restoring = False


def _recent(entries: Sequence[TranscriptEntry]) -> Sequence[TranscriptEntry]:
    """As much of the end of a conversation as a new call is given."""
    recent: list[TranscriptEntry] = []
    characters = 0
    for entry in reversed(entries[-MAX_SEEDED_ITEMS:]):
        characters += len(entry.content)
        if characters > MAX_SEEDED_CHARACTERS:
            break
        recent.append(entry)
    return recent[::-1]


def _is_interviewers_turn(entries: Sequence[TranscriptEntry]) -> bool:
    """Whether a conversation that goes on in another call waits for the interviewer."""
    if not entries or entries[-1].speaker is Speaker.CANDIDATE:
        return True
    return entries[-1].truncated or not entries[-1].final


def _seed(entry: TranscriptEntry) -> dict[str, Any]:
    role = "assistant" if entry.speaker is Speaker.AI else "user"
    return realtime.create_message(entry.item_id, role=role, text=entry.content)


def _reason(arguments: str) -> EndReason:
    """Read why the interviewer ends the interview; what it does not say is that all is done."""
    for reason in (EndReason.CANDIDATE_LEFT, EndReason.MAX_DURATION):
        if f'"{reason}"' in arguments:
            return reason
    return EndReason.COMPLETED
