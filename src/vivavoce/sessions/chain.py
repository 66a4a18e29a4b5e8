"""The order of a conversation, from the links that its items carry."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Link:
    """Where an item stands: after another one, or (None) not known to be after any."""

    previous_item_id: str | None
    timestamp: datetime


def chain_order(links: Mapping[str, Link]) -> Sequence[str]:
    """Put items in order.

    Each item follows the one that it names. Among items that name the same one, or one that is not
    here, the earlier comes first with everything that follows it. Links may come from an untrusted
    witness: a ring is opened at its earliest item, and no item is ever left out.
    """
    followers: dict[str | None, list[str]] = {}
    for item_id, link in links.items():
        previous = link.previous_item_id if link.previous_item_id in links else None
        followers.setdefault(previous, []).append(item_id)

    def by_time(item_id: str) -> tuple[datetime, str]:
        return links[item_id].timestamp, item_id

    for siblings in followers.values():
        siblings.sort(key=by_time, reverse=True)
    order: dict[str, None] = {}
    waiting = followers.get(None, [])
    opened = iter(sorted(links, key=by_time))
    while len(order) < len(links):
        if not waiting:
            waiting = [next(item_id for item_id in opened if item_id not in order)]
        item_id = waiting.pop()
        if item_id not in order:
            order[item_id] = None
            waiting.extend(followers.get(item_id, ()))
    return tuple(order)
