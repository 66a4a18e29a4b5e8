"""From the events of a call to transcript entries: no loss, no duplicate, right order.

An item's place is allotted when the item appears, its text is filled in when it comes, in whatever
order. Two witnesses can tell of the same item: the machine over the sideband, and the candidate's
own client. What the sideband saw is never overwritten by what a client says.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec

from vivavoce.protocol import realtime
from vivavoce.protocol.transcript import TranscriptEntry, Witness
from vivavoce.sessions.account import Account, account_of, precedence
from vivavoce.sessions.chain import Link, chain_order
from vivavoce.sessions.testimony import Testimony


class Transcript:
    """The conversation so far.

    Args:
        witness: Whose events `apply` gets.
    """

    def __init__(self, witness: Witness = Witness.SIDEBAND) -> None:
        self.witness = witness
        self._testimonies = {each: Testimony() for each in (Witness.SIDEBAND, Witness.CLIENT)}
        self._own = self._testimonies[witness]
        self._told: dict[tuple[str, Witness], TranscriptEntry] = {}
        self._published: dict[str, TranscriptEntry] = {}
        self._order: tuple[str, ...] = ()
        self._places: dict[str, _Place] = {}

    def apply(self, event: realtime.ServerEvent, *, now: datetime) -> list[TranscriptEntry]:
        """Take an event of the call.

        Returns:
            The entries that it changed, in order, each with a revision greater than before. All are
            of this witness. An entry that turns out to be silence comes once more, empty.
        """
        if isinstance(event, realtime.ItemAdded | realtime.ItemDone):
            if self._is_only_told(event.item.id):
                # Put into a new call by us, to go on where the old one was: no new testimony.
                return []
        elif isinstance(event, realtime.ItemRetrieved):
            now = self._time_of_follower(event.item.id) or now
        self._own.take(event, now)
        return self._publish()

    def merge(self, entries: Iterable[TranscriptEntry]) -> list[TranscriptEntry]:
        """Take what is known from the store or another witness, in any order, any number of times.

        Returns:
            The entries that changed by it, in order.
        """
        for entry in entries:
            key = entry.item_id, entry.witness
            testimony = self._testimonies[entry.witness]
            told, held = self._told.get(key), testimony.accounts.get(entry.item_id)
            if told is not None and precedence(entry) <= precedence(told):
                continue
            if held is not None and held.live and (held.final or not entry.final):
                continue
            if testimony.has_room_for(entry.item_id):
                self._told[key] = entry
                testimony.accounts[entry.item_id] = account_of(entry)
                testimony.touched.add(entry.item_id)
                testimony.moved = True
        return self._publish()

    def settle(self, *, now: datetime) -> list[TranscriptEntry]:
        """Close what is open, because the call is gone: keep what was heard.

        Returns:
            The entries that it changed, in order.
        """
        self._own.settle(now)
        return self._publish()

    def entries(self) -> list[TranscriptEntry]:
        """The transcript in the order of the conversation."""
        return [entry for entry in self._told_in_order() if entry.content]

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
        return [
            entry
            for entry in self._told_in_order()
            if entry.revision > known.get(entry.item_id, -1 if entry.content else entry.revision)
        ]

    def wanted(self, known: Mapping[str, int]) -> list[str]:
        """The items that somebody has who has these, and of which we lack the final text."""
        return [item_id for item_id in known if not self._is_settled(item_id)]

    def witnessed(self, item_ids: Collection[str]) -> list[TranscriptEntry]:
        """This witness's own copy of these items, in order, where it has text for them."""
        asked = frozenset(item_ids)
        own = [(item_id, self._own.accounts.get(item_id)) for item_id in self._order]
        return [
            _entry_of(item_id, self.witness, account, self._previous_of(item_id))
            for item_id, account in own
            if item_id in asked and account is not None and account.content and not account.hidden
        ]

    def open_items(self) -> list[str]:
        """Items whose text is still to come, or that others only name: to retrieve after a gap."""
        named = [self._previous_of(item_id) for item_id in self._order]
        unknown = [item_id for item_id in named if item_id and not self._accounts_of(item_id)]
        return unknown + [item_id for item_id in self._order if not self._is_settled(item_id)]

    def _accounts_of(self, item_id: str) -> dict[Witness, Account]:
        """All there is about an item, the sideband's account first."""
        return {
            witness: testimony.accounts[item_id]
            for witness, testimony in self._testimonies.items()
            if item_id in testimony.accounts
        }

    def _best(self, item_id: str) -> tuple[Witness, Account]:
        """The account that counts: the sideband's, unless it has nothing to say yet.

        While an item is being spoken, a client goes by its own ears where they have heard more: a
        machine that took over in the middle of it has not heard the beginning.
        """
        accounts = self._accounts_of(item_id)
        sideband, client = accounts.get(Witness.SIDEBAND), accounts.get(Witness.CLIENT)
        if sideband is None or client is None:
            return next(iter(accounts.items()))
        is_behind = client.live and len(client.content) > len(sideband.content)
        if sideband.final or sideband.hidden or (sideband.content and not is_behind):
            return Witness.SIDEBAND, sideband
        return Witness.CLIENT, client

    def _is_settled(self, item_id: str) -> bool:
        if not self._accounts_of(item_id):
            return False
        _, account = self._best(item_id)
        return account.final or account.hidden

    def _is_only_told(self, item_id: str) -> bool:
        return item_id not in self._own.accounts and any(
            (item_id, witness) in self._told for witness in Witness
        )

    def _time_of_follower(self, item_id: str) -> datetime | None:
        """When the item after an unknown one began: the best guess at its own time."""
        if self._accounts_of(item_id):
            return None
        followers = (e.timestamp for e in self._published.values() if e.previous_item_id == item_id)
        return min(followers, default=None)

    def _previous_of(self, item_id: str) -> str | None:
        published = self._published.get(item_id)
        return published.previous_item_id if published else None

    def _told_in_order(self) -> Iterable[TranscriptEntry]:
        published = (self._published.get(item_id) for item_id in self._order)
        return (entry for entry in published if entry is not None)

    def _sort(self) -> None:
        """Order the items anew; of a place, too, the sideband's word counts first."""
        links = {}
        for item_id in dict.fromkeys(i for t in self._testimonies.values() for i in t.accounts):
            accounts = list(self._accounts_of(item_id).values())
            placed = next((one.placed for one in accounts if one.placed), None)
            previous = placed.previous_item_id if placed else None
            links[item_id] = Link(previous, accounts[0].timestamp)
        self._order = tuple(chain_order(links))

    def _publish(self) -> list[TranscriptEntry]:
        """Bring the published entries up to date; return those that changed, in order.

        Most events touch one item and leave its place and its neighbours as they are: then that
        item alone is looked at, however long the interview is.
        """
        touched = {item for testimony in self._testimonies.values() for item in testimony.touched}
        if any(testimony.moved for testimony in self._testimonies.values()):
            self._sort()
            changed = self._publish_from_the_top(touched)
        else:
            places = sorted(self._of(touched), key=lambda found: found[1].number)
            if any(self._is_passed_over(item_id) != place.passed for item_id, place in places):
                changed = self._publish_from_the_top(touched)
            else:
                news = (self._publish_one(item_id, place.previous) for item_id, place in places)
                changed = [entry for entry in news if entry is not None]
        for testimony in self._testimonies.values():
            testimony.touched.clear()
            testimony.moved = False
        return changed

    def _publish_from_the_top(self, touched: Collection[str]) -> list[TranscriptEntry]:
        """Go through all items: those that follow a moved or silent one have another link."""
        changed: list[TranscriptEntry] = []
        previous: str | None = None
        self._places.clear()
        for number, item_id in enumerate(self._order):
            passed = self._is_passed_over(item_id)
            self._places[item_id] = _Place(number, previous, passed)
            held = self._published.get(item_id)
            _, account = self._best(item_id)
            is_elsewhere = held and held.previous_item_id != self._link(account, previous)
            if item_id in touched or is_elsewhere:
                entry = self._publish_one(item_id, previous)
                if entry is not None:
                    changed.append(entry)
            if not passed:
                previous = item_id
        return changed

    def _publish_one(self, item_id: str, previous: str | None) -> TranscriptEntry | None:
        """Bring one entry up to date; None if nobody need be told."""
        witness, account = self._best(item_id)
        held = self._published.get(item_id)
        if held is None and (account.hidden or not account.content):
            return None
        entry = self._revised(item_id, witness, account, self._link(account, previous))
        return entry if _is_news(entry, held) else None

    def _is_passed_over(self, item_id: str) -> bool:
        """Whether what follows an item is linked to the one before it."""
        _, account = self._best(item_id)
        return account.hidden or account.silent

    def _of(self, item_ids: Iterable[str]) -> list[tuple[str, "_Place"]]:
        """Items with their places, as far as they have one."""
        found = ((item_id, self._places.get(item_id)) for item_id in item_ids)
        return [(item_id, place) for item_id, place in found if place is not None]

    def _link(self, account: Account, previous: str | None) -> str | None:
        """The item before it that has or may yet have text; one that is not here keeps its name."""
        named = account.placed.previous_item_id if account.placed else None
        return previous if named is None or self._accounts_of(named) else named

    def _revised(
        self, item_id: str, witness: Witness, account: Account, link: str | None
    ) -> TranscriptEntry:
        """Publish an item as it stands; what events have told gets a greater revision."""
        held = self._published.get(item_id)
        entry = _entry_of(item_id, witness, account, link)
        if account.live and not (held and _same(entry, held)):
            account.revision = max(account.revision, held.revision if held else 0) + 1
            entry = msgspec.structs.replace(entry, revision=account.revision)
        self._published[item_id] = entry
        return entry


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an item stood when all were last gone through: its number, and what it follows."""

    number: int
    previous: str | None
    passed: bool


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


def _same(entry: TranscriptEntry, held: TranscriptEntry) -> bool:
    return entry == msgspec.structs.replace(held, revision=entry.revision)


def _is_news(entry: TranscriptEntry, held: TranscriptEntry | None) -> bool:
    """Whether others must be told. A change of place alone is told with a revision, or not."""
    return (
        held is None
        or (entry.revision, entry.witness) != (held.revision, held.witness)
        or entry.content != held.content
    )
