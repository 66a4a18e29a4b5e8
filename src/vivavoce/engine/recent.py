"""A memory of bounded size that forgets what was used longest ago."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

V = TypeVar("V")


class Recent(Generic[V]):
    """Values by key, together at most `limit` heavy."""

    def __init__(self, limit: int, weigh: Callable[[V], int]) -> None:
        self._limit = limit
        self._weigh = weigh
        self._values: OrderedDict[object, V] = OrderedDict()
        self._weight = 0

    def get(self, key: object) -> V | None:
        """Look a value up and count it as used."""
        value = self._values.get(key)
        if value is not None:
            self._values.move_to_end(key)
        return value

    def put(self, key: object, value: V) -> None:
        """Keep a value; one heavier than the limit is not kept."""
        if key in self._values:
            self._weight -= self._weigh(self._values.pop(key))
        self._values[key] = value
        self._weight += self._weigh(value)
        while self._weight > self._limit:
            _, forgotten = self._values.popitem(last=False)
            self._weight -= self._weigh(forgotten)
