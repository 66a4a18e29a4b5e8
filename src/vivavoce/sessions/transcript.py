"""From events of a call to transcript entries: no loss, no duplicate, right order.

An item's place is allotted when the item appears, its text is filled in when it comes, in whatever
order. Two witnesses can tell of the same item: the machine over the sideband, and the candidate's
own client. What the sideband saw is never overwritten by what a client says.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import singledispatchmethod
from typing import Final

import msgspec

from vivavoce.protocol import realtime
from vivavoce.protocol.messages import MAX_KNOWN_ITEMS
from vivavoce.protocol.transcript import Speaker, TranscriptEntry, Witness
from vivavoce.sessions.account import (
    DEFAULT_CHARACTERS_PER_SECOND,
    Account,
    Placed,
    account_of,
    precedence,
)
from vivavoce.sessions.chain import Link, chain_order

MAX_ITEMS: Final = MAX_KNOWN_ITEMS
"""Of one conversation; more are not kept, so that nobody can fill the machine's memory."""
MAX_ITEM_ID_CHARACTERS: Final = 128

_Delta = realtime.AudioTranscriptDelta | realtime.OutputTextDelta


@dataclass(slots=True)
class _Playing:
    """A response between its first item and the end of its sound."""

    item_ids: list[str] = field(default_factory=list)
    started_at: datetime | None = None


class Transcript:
    """The conversation so far.

    Args:
        witness: Whose events `apply` gets.
    """

    def __init__(self, witness: Witness = Witness.SIDEBAND) -> None:
        self.witness = witness
        self._accounts: dict[str, dict[Witness, Account]] = {}
        self._told: dict[tuple[str, Witness], TranscriptEntry] = {}
        self._published: dict[str, TranscriptEntry] = {}
        self._touched: set[str] = set()
        self._order: tuple[str, ...] | None = ()
        self._playing: dict[str, _Playing] = {}
        self._played_characters = 0
        self._played_seconds = 0.0

    def apply(self, event: realtime.ServerEvent, *, now: datetime) -> list[TranscriptEntry]:
        """Take an event of the call.

        Returns:
            The entries that it changed, in order, each with a revision greater than before. All are
            of this witness. An entry that turns out to be silence comes once more, empty.
        """
        self._take(event, now)
        return self._publish()

    def merge(self, entries: Iterable[TranscriptEntry]) -> list[TranscriptEntry]:
        """Take what is known from the store or another witness, in any order, any number of times.

        Returns:
            The entries that changed by it, in order.
        """
        for entry in entries:
            told = self._told.get((entry.item_id, entry.witness))
            held = self._accounts.get(entry.item_id, {}).get(entry.witness)
            if told is not None and precedence(entry) <= precedence(told):
                continue
            if held is not None and held.live and (held.final or not entry.final):
                continue
            if not self._has_room(entry.item_id):
                continue
            self._told[entry.item_id, entry.witness] = entry
            self._accounts.setdefault(entry.item_id, {})[entry.witness] = account_of(entry)
            self._touch(entry.item_id, moved=True)
        return self._publish()

    def settle(self, *, now: datetime) -> list[TranscriptEntry]:
        """Close what is open, because the call is gone: keep what was heard.

        Returns:
            The entries that it changed, in order.
        """
        for response_id in list(self._playing):
            self._stop_playing(response_id, now)
        for item_id, accounts in self._accounts.items():
            account = accounts.get(self.witness)
            if account is not None and not account.final:
                account.live = True
                account.settle()
                self._touch(item_id)
        return self._publish()

    def entries(self) -> list[TranscriptEntry]:
        """The transcript in the order of the conversation."""
        published = (self._published.get(item_id) for item_id in self._ordered())
        return [entry for entry in published if entry is not None and entry.content]

    @property
    def item_count(self) -> int:
        """How many entries the transcript has."""
        return sum(1 for entry in self._published.values() if entry.content)

    def known(self) -> dict[str, int]:
        """What to tell the other side that we have: item id to revision.

        Revisions count what the sideband saw. What only a client saw stands as 0, so that the
        sideband's word for it is always sent.
        """
        return {
            entry.item_id: entry.revision if entry.witness is Witness.SIDEBAND else 0
            for entry in self.entries()
        }

    def missing(self, known: Mapping[str, int]) -> list[TranscriptEntry]:
        """The entries, in order, that somebody lacks who has these revisions."""
        published = (self._published.get(item_id) for item_id in self._ordered())
        return [
            entry
            for entry in published
            if entry is not None
            and entry.revision > known.get(entry.item_id, -1 if entry.content else entry.revision)
        ]

    def wanted(self, known: Mapping[str, int]) -> list[str]:
        """The items that somebody has who has these, and of which we lack the final text."""
        return [item_id for item_id in known if not self._is_settled(item_id)]

    def witnessed(self, item_ids: Collection[str]) -> list[TranscriptEntry]:
        """This witness's own copy of these items, in order, where it has text for them."""
        own = ((item_id, self._own(item_id)) for item_id in self._ordered() if item_id in item_ids)
        return [
            _entry_of(item_id, self.witness, account, self._previous_of(item_id))
            for item_id, account in own
            if account is not None and not account.hidden and account.content
        ]

    def open_items(self) -> list[str]:
        """Items whose text is still to come, or that others only name: to retrieve after a gap."""
        order = self._ordered()
        named = [self._previous_of(item_id) for item_id in order]
        unknown = [item_id for item_id in named if item_id and item_id not in self._accounts]
        return unknown + [item_id for item_id in order if not self._is_settled(item_id)]

    # What each event tells.

    @singledispatchmethod
    def _take(self, _event: realtime.ServerEvent, _now: datetime) -> None:
        """Events that say nothing about the transcript."""

    @_take.register
    def _(self, event: realtime.SpeechStarted, now: datetime) -> None:
        self._account(event.item_id, now)

    @_take.register
    def _(self, event: realtime.SpeechStopped, now: datetime) -> None:
        self._account(event.item_id, now).stopped_at = now

    @_take.register
    def _(self, event: realtime.Committed, now: datetime) -> None:
        self._place(event.item_id, event.previous_item_id, now)

    @_take.register(realtime.ItemAdded | realtime.ItemDone)
    def _(self, event: realtime.ItemAdded | realtime.ItemDone, now: datetime) -> None:
        self._place(event.item.id, event.previous_item_id, now)
        self._fill(event.item, now)

    @_take.register
    def _(self, event: realtime.ItemRetrieved, now: datetime) -> None:
        account = self._account(event.item.id, self._time_of_follower(event.item.id) or now)
        # Nobody can inject an assistant's speech, only its text: speech was made by a response.
        if event.item.role == "assistant" and any(
            part.type in ("output_audio", "audio") for part in event.item.content or ()
        ):
            account.speaker = Speaker.AI
        self._fill(event.item, now)

    @_take.register
    def _(self, event: realtime.ItemTruncated, now: datetime) -> None:
        self._account(event.item_id, now).cut(self._characters_in(event.audio_end_ms / 1000))

    @_take.register
    def _(self, event: realtime.TranscriptionDelta, now: datetime) -> None:
        self._account(event.item_id, now).add(event.content_index, event.delta or "")

    @_take.register
    def _(self, event: realtime.TranscriptionCompleted, now: datetime) -> None:
        account = self._account(event.item_id, now)
        if not account.final:
            account.complete(event.content_index, event.transcript)
            account.rate(event.logprobs)
            account.time_to_text(now)
            account.settle()

    @_take.register
    def _(self, event: realtime.TranscriptionFailed, now: datetime) -> None:
        self._account(event.item_id, now).fail()

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

    @_take.register
    def _(self, event: realtime.OutputAudioStarted, now: datetime) -> None:
        self._playing.setdefault(event.response_id, _Playing()).started_at = now

    @_take.register
    def _(self, event: realtime.OutputAudioStopped, now: datetime) -> None:
        playing = self._playing.pop(event.response_id, None)
        if playing is not None and playing.started_at is not None:
            self._played_seconds += (now - playing.started_at).total_seconds()
            self._played_characters += sum(
                len(self._account(item_id, now).content) for item_id in playing.item_ids
            )

    @_take.register
    def _(self, event: realtime.OutputAudioCleared, now: datetime) -> None:
        self._stop_playing(event.response_id, now)

    # The accounts behind them.

    def _account(self, item_id: str, now: datetime) -> Account:
        """This witness's account of an item, allotted if need be."""
        account = self._own(item_id)
        if account is None:
            account = Account(timestamp=now)
            if self._has_room(item_id):
                self._accounts.setdefault(item_id, {})[self.witness] = account
                self._touch(item_id, moved=True)
        else:
            self._touch(item_id)
        account.live = True
        return account

    def _time_of_follower(self, item_id: str) -> datetime | None:
        """When the item after an unknown one began: the best guess at its own time."""
        if item_id in self._accounts:
            return None
        followers = (e.timestamp for e in self._published.values() if e.previous_item_id == item_id)
        return min(followers, default=None)

    def _own(self, item_id: str) -> Account | None:
        return self._accounts.get(item_id, {}).get(self.witness)

    def _has_room(self, item_id: str) -> bool:
        return item_id in self._accounts or (
            0 < len(item_id) <= MAX_ITEM_ID_CHARACTERS and len(self._accounts) < MAX_ITEMS
        )

    def _place(self, item_id: str, previous_item_id: str | None, now: datetime) -> None:
        account = self._account(item_id, now)
        if account.placed is None:
            account.placed = Placed(previous_item_id)
            self._order = None

    def _made(self, item_id: str, response_id: str, now: datetime) -> Account:
        """The account of an item that a response makes: the interviewer's."""
        account = self._account(item_id, now)
        account.speaker = Speaker.AI
        if response_id and not account.final:
            playing = self._playing.setdefault(response_id, _Playing())
            if item_id not in playing.item_ids:
                playing.item_ids.append(item_id)
        return account

    def _fill(self, item: realtime.Item, now: datetime) -> None:
        """Take the text that the item itself carries."""
        account = self._account(item.id, now)
        if item.type != "message":
            account.hidden = True
            return
        is_done = item.status in ("completed", "incomplete") or account.speaker is not Speaker.AI
        for index, part in enumerate(item.content or ()):
            text = part.transcript if part.transcript is not None else part.text
            if text is None:
                # Speech whose transcription is still to come.
                is_done = False
            elif is_done and (text or account.speaker is not Speaker.AI):
                account.complete(index, text)
        if is_done and item.content:
            account.settle()

    def _stop_playing(self, response_id: str, now: datetime) -> None:
        """The rest of a response stays unheard. A truncation may yet say how much was heard."""
        playing = self._playing.pop(response_id, None)
        if playing is None or playing.started_at is None:
            return
        heard = self._characters_in((now - playing.started_at).total_seconds())
        for item_id in playing.item_ids:
            account = self._account(item_id, now)
            if not account.truncated and not account.hidden:
                account.cut(heard)

    def _characters_in(self, seconds: float) -> int:
        """How much this voice says in a time, going by what it has said so far."""
        if self._played_seconds < 1 or not self._played_characters:
            return int(seconds * DEFAULT_CHARACTERS_PER_SECOND)
        return int(seconds * self._played_characters / self._played_seconds)

    # What is told to others.

    def _touch(self, item_id: str, *, moved: bool = False) -> None:
        self._touched.add(item_id)
        if moved:
            self._order = None

    def _best(self, item_id: str) -> tuple[Witness, Account]:
        """The account that counts: the sideband's, unless it has nothing to say yet."""
        accounts = self._accounts[item_id]
        sideband, client = accounts.get(Witness.SIDEBAND), accounts.get(Witness.CLIENT)
        if sideband is None:
            return Witness.CLIENT, accounts[Witness.CLIENT]
        if client is None or sideband.final or sideband.hidden or sideband.content:
            return Witness.SIDEBAND, sideband
        return Witness.CLIENT, client

    def _is_settled(self, item_id: str) -> bool:
        if item_id not in self._accounts:
            return False
        _, account = self._best(item_id)
        return account.final or account.hidden

    def _ordered(self) -> tuple[str, ...]:
        if self._order is None:
            links = {}
            for item_id, accounts in self._accounts.items():
                told = [accounts[witness] for witness in Witness if witness in accounts]
                placed = next((one.placed for one in told if one.placed is not None), None)
                links[item_id] = Link(
                    placed.previous_item_id if placed else None, told[0].timestamp
                )
            self._order = tuple(chain_order(links))
        return self._order

    def _previous_of(self, item_id: str) -> str | None:
        published = self._published.get(item_id)
        return published.previous_item_id if published else None

    def _publish(self) -> list[TranscriptEntry]:
        """Bring the published entries up to date; return those that changed."""
        changed: list[TranscriptEntry] = []
        previous: str | None = None
        for item_id in self._ordered():
            witness, account = self._best(item_id)
            is_over = account.hidden or account.silent
            held = self._published.get(item_id)
            if held is not None or (account.content and not account.hidden):
                link = self._link(account, previous)
                if item_id in self._touched or (held and held.previous_item_id != link):
                    entry = self._entry(item_id, witness, account, link)
                    if _differs(entry, held):
                        changed.append(entry)
            if not is_over:
                previous = item_id
        self._touched.clear()
        return changed

    def _link(self, account: Account, previous: str | None) -> str | None:
        """The item before it that has or may yet have text; one that is not here keeps its name."""
        named = account.placed.previous_item_id if account.placed else None
        return previous if named is None or named in self._accounts else named

    def _entry(
        self, item_id: str, witness: Witness, account: Account, link: str | None
    ) -> TranscriptEntry:
        """Publish an item as it stands; what this witness saw gets a greater revision."""
        held = self._published.get(item_id)
        entry = _entry_of(item_id, witness, account, link)
        if account.live and (
            held is None or msgspec.structs.replace(entry, revision=held.revision) != held
        ):
            account.revision = max(account.revision, held.revision if held else 0) + 1
            entry = msgspec.structs.replace(entry, revision=account.revision)
        self._published[item_id] = entry
        return entry


def _entry_of(
    item_id: str, witness: Witness, account: Account, link: str | None
) -> TranscriptEntry:
    return TranscriptEntry(
        item_id=item_id,
        revision=account.revision,
        previous_item_id=link,
        speaker=account.speaker,
        content=account.content,
        timestamp=account.timestamp,
        final=account.final,
        truncated=account.truncated,
        witness=witness,
        confidence=account.confidence,
        metadata=account.metadata,
    )


def _differs(entry: TranscriptEntry, held: TranscriptEntry | None) -> bool:
    """Whether others must be told. A place alone is told by the witness of the entry only."""
    return held is None or (entry.revision, entry.witness, entry.content, entry.final) != (
        held.revision,
        held.witness,
        held.content,
        held.final,
    )
