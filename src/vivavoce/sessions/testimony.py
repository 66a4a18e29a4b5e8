"""What one witness of a call tells: from its events to an account of each item."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import singledispatchmethod
from typing import Final

from vivavoce.protocol import realtime
from vivavoce.protocol.messages import MAX_KNOWN_ITEMS
from vivavoce.protocol.transcript import Speaker
from vivavoce.sessions.account import Account, Placed

MAX_ITEMS: Final = MAX_KNOWN_ITEMS
"""Of one conversation; more are not kept, so that nobody can fill the machine's memory."""
MAX_ITEM_ID_CHARACTERS: Final = 128
USUAL_CHARACTERS_PER_SECOND: Final = 15.0
"""Of an English voice at ordinary speed, about 2.5 words a second."""
USUAL_COUNTS_FOR_SECONDS: Final = 20.0
"""How much speech it takes until a voice's own speed counts for more than the usual one."""

_SPEECH: Final = frozenset({"input_audio", "output_audio", "audio"})
_Delta = realtime.AudioTranscriptDelta | realtime.OutputTextDelta


@dataclass(slots=True)
class _Playing:
    """A response between its first item and the end of its sound."""

    item_ids: list[str] = field(default_factory=list)
    started_at: datetime | None = None


class Testimony:
    """One witness's accounts of the items, by id.

    Attributes:
        accounts: Every item that the witness saw, or that is known to have been seen by it.
        touched: Items that events have told of since the set was last cleared.
        moved: Whether an item has come or found its place since the flag was last cleared.
    """

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.touched: set[str] = set()
        self.moved = False
        self._playing: dict[str, _Playing] = {}
        self._tells_of_playing = False
        self._played_characters = 0
        self._played_seconds = 0.0

    def has_room_for(self, item_id: str) -> bool:
        """Whether an account of this item is, or can be, kept."""
        return item_id in self.accounts or (
            0 < len(item_id) <= MAX_ITEM_ID_CHARACTERS and len(self.accounts) < MAX_ITEMS
        )

    def account(self, item_id: str, now: datetime) -> Account:
        """The account of an item, allotted if need be."""
        account = self.accounts.get(item_id)
        if account is None:
            account = Account(timestamp=now)
            if not self.has_room_for(item_id):
                return account  # kept by nobody
            self.accounts[item_id] = account
            self.moved = True
        account.live = True
        self.touched.add(item_id)
        return account

    def settle(self, now: datetime) -> None:
        """The call is gone: nothing more will be said or played."""
        for response_id in list(self._playing):
            self._stop_playing(response_id, now)
        for item_id, account in self.accounts.items():
            if not account.final:
                self.account(item_id, now).settle()

    def take(self, event: realtime.ServerEvent, now: datetime) -> None:
        """Take an event. Most types say nothing about the transcript."""
        _how_to_take(type(event))(self, event, now)

    @singledispatchmethod
    def _take(self, _event: realtime.ServerEvent, _now: datetime) -> None:
        pass

    @_take.register
    def _(self, event: realtime.SpeechStarted, now: datetime) -> None:
        self.account(event.item_id, now)

    @_take.register
    def _(self, event: realtime.SpeechStopped, now: datetime) -> None:
        self.account(event.item_id, now).stopped_at = now

    @_take.register
    def _(self, event: realtime.Committed, now: datetime) -> None:
        self._place(event.item_id, event.previous_item_id, now)

    @_take.register(realtime.ItemAdded | realtime.ItemDone)
    def _(self, event: realtime.ItemAdded | realtime.ItemDone, now: datetime) -> None:
        self._place(event.item.id, event.previous_item_id, now)
        self._fill(event.item, now)

    @_take.register
    def _(self, event: realtime.ItemRetrieved, now: datetime) -> None:
        account = self.account(event.item.id, now)
        # Nobody can inject an assistant's speech, only its text: speech was made by a response.
        if event.item.role == "assistant" and any(
            part.type in _SPEECH for part in event.item.content or ()
        ):
            account.speaker = Speaker.AI
        self._fill(event.item, now)

    @_take.register
    def _(self, event: realtime.ItemTruncated, now: datetime) -> None:
        heard = self._characters_in(event.audio_end_ms / 1000)
        self.account(event.item_id, now).cut(heard, exact=True)

    @_take.register
    def _(self, event: realtime.TranscriptionDelta, now: datetime) -> None:
        self.account(event.item_id, now).add(event.content_index, event.delta or "")

    @_take.register
    def _(self, event: realtime.TranscriptionCompleted, now: datetime) -> None:
        account = self.account(event.item_id, now)
        if not account.final:
            account.complete(event.content_index, event.transcript)
            account.rate(event.logprobs)
            account.time_to_text(now)
            account.settle()

    @_take.register
    def _(self, event: realtime.TranscriptionFailed, now: datetime) -> None:
        self.account(event.item_id, now).fail()

    @_take.register(realtime.OutputItemAdded | realtime.OutputItemDone)
    def _(self, event: realtime.OutputItemAdded | realtime.OutputItemDone, now: datetime) -> None:
        self._made(event.item.id, event.response_id, now)
        self._fill(event.item, now)

    @_take.register(realtime.AudioTranscriptDelta | realtime.OutputTextDelta)
    def _(self, event: _Delta, now: datetime) -> None:
        self._made(event.item_id, event.response_id, now).add(event.content_index, event.delta)

    @_take.register
    def _(self, event: realtime.AudioTranscriptDone, now: datetime) -> None:
        account = self._made(event.item_id, event.response_id, now)
        account.complete(event.content_index, event.transcript)

    @_take.register
    def _(self, event: realtime.OutputTextDone, now: datetime) -> None:
        account = self._made(event.item_id, event.response_id, now)
        account.complete(event.content_index, event.text)

    @_take.register
    def _(self, event: realtime.ResponseDone, now: datetime) -> None:
        for item in event.response.output or ():
            account = self._made(item.id, event.response.id, now)
            self._fill(item, now)
            account.settle()
        playing = self._playing.get(event.response.id)
        if event.response.status == "cancelled" and playing and playing.started_at is None:
            self._stop_playing(event.response.id, now)

    @_take.register
    def _(self, event: realtime.OutputAudioStarted, now: datetime) -> None:
        self._tells_of_playing = True
        self._playing.setdefault(event.response_id, _Playing()).started_at = now

    @_take.register
    def _(self, event: realtime.OutputAudioStopped, now: datetime) -> None:
        playing = self._playing.pop(event.response_id, _Playing())
        accounts = [self.account(item_id, now) for item_id in playing.item_ids]
        for account in accounts:
            account.played = True
        if playing.started_at is not None:
            self._played_seconds += (now - playing.started_at).total_seconds()
            self._played_characters += sum(len(account.content) for account in accounts)

    @_take.register
    def _(self, event: realtime.OutputAudioCleared, now: datetime) -> None:
        self._tells_of_playing = True
        self._stop_playing(event.response_id, now)

    def _place(self, item_id: str, previous_item_id: str | None, now: datetime) -> None:
        account = self.account(item_id, now)
        if account.placed is None:
            account.placed = Placed(previous_item_id)
            self.moved = True

    def _made(self, item_id: str, response_id: str, now: datetime) -> Account:
        """The account of an item that a response makes: the interviewer's."""
        account = self.account(item_id, now)
        account.speaker = Speaker.AI
        if response_id and not account.played and item_id in self.accounts:
            playing = self._playing.setdefault(response_id, _Playing())
            if item_id not in playing.item_ids:
                playing.item_ids.append(item_id)
        return account

    def _fill(self, item: realtime.Item, now: datetime) -> None:
        """Take the text that the item itself carries."""
        account = self.account(item.id, now)
        if item.type != "message":
            account.hidden = True
            return
        is_ours = account.speaker is Speaker.AI
        is_done = not is_ours or item.status in ("completed", "incomplete")
        for index, part in enumerate(item.content or ()):
            text = part.transcript if part.transcript is not None else part.text
            if text is None and part.type in _SPEECH and not is_ours:
                is_done = False  # its transcription is still to come
            elif text is not None and is_done and (text or not is_ours):
                if item.status == "incomplete":
                    text = max(text, account.pieces.get(index, ""), key=len)
                account.complete(index, text)
        if is_done and item.content:
            account.settle()

    def _stop_playing(self, response_id: str, now: datetime) -> None:
        """The rest of a response stays unheard. A truncation may yet say how much was heard."""
        playing = self._playing.pop(response_id, None)
        if playing is None or (playing.started_at is None and not self._tells_of_playing):
            return
        seconds = (now - (playing.started_at or now)).total_seconds()
        for item_id in playing.item_ids:
            account = self.account(item_id, now)
            if not account.hidden:
                account.cut(self._characters_in(seconds), exact=False)

    def _characters_in(self, seconds: float) -> int:
        """How much this voice says in a time, going by what it has said so far."""
        played = self._played_seconds + USUAL_COUNTS_FOR_SECONDS
        usual = USUAL_CHARACTERS_PER_SECOND * USUAL_COUNTS_FOR_SECONDS
        return int(seconds * (self._played_characters + usual) / played)


# Asked for as a method, each call would wrap one anew, which costs more than to take the event.
_Take = Callable[[Testimony, realtime.ServerEvent, datetime], None]
_how_to_take: Final[Callable[[type], _Take]] = vars(Testimony)["_take"].dispatcher.dispatch
