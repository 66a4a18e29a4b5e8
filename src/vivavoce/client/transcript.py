"""The conversation as a client sees it: its own account, and the one that the machine sends."""

from collections.abc import AsyncGenerator, Collection, Iterable
from datetime import UTC, datetime
from typing import Final

from vivavoce.client.broadcast import Broadcast
from vivavoce.protocol.realtime import ServerEvent
from vivavoce.protocol.transcript import TranscriptEntry, Witness
from vivavoce.sessions.transcript import Transcript

MAX_UNREAD_ENTRIES: Final = 10_000


class LiveTranscript:
    """Two witnesses' accounts in one order, and streams of what changes.

    The machine's account (from the sideband) is the better one where both tell of an item; the
    client's own, from the data channel, is what it has before, and what it can lend to a machine
    that missed something.
    """

    def __init__(self, entries: Iterable[TranscriptEntry] = ()) -> None:
        self._transcript = Transcript(Witness.CLIENT)
        self._transcript.merge(entries)
        self._changes = Broadcast[TranscriptEntry](MAX_UNREAD_ENTRIES)

    @property
    def entries(self) -> list[TranscriptEntry]:
        """Everything said so far, in the order of the conversation."""
        return self._transcript.entries()

    @property
    def known(self) -> dict[str, int]:
        """What we have, for the machine to compare: item id to revision."""
        return self._transcript.known()

    def own(self, item_ids: Collection[str] | None = None) -> list[TranscriptEntry]:
        """What this client itself heard, in order; of all items unless some are named."""
        chosen = [entry.item_id for entry in self.entries] if item_ids is None else item_ids
        return self._transcript.witnessed(chosen)

    def hear(self, event: ServerEvent) -> list[TranscriptEntry]:
        """Take an event of our data channel; give what changed."""
        return self._tell(self._transcript.apply(event, now=datetime.now(UTC)))

    def merge(self, entries: Iterable[TranscriptEntry]) -> list[TranscriptEntry]:
        """Take what the machine tells; give what changed."""
        return self._tell(self._transcript.merge(entries))

    def changes(self) -> AsyncGenerator[TranscriptEntry]:
        """Give every entry that there is, then each that is new or revised, until the end."""
        return self._changes.listen(self.entries)

    def close(self) -> None:
        """Nothing more will change: end the streams."""
        self._changes.close()

    def _tell(self, changed: list[TranscriptEntry]) -> list[TranscriptEntry]:
        for entry in changed:
            self._changes.send(entry)
        return changed
