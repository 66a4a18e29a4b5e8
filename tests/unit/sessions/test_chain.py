"""The order of items by their links."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from vivavoce.sessions.chain import Link, chain_order

START = datetime(2026, 1, 1, tzinfo=UTC)


def link(previous, seconds=0):
    return Link(previous, START + timedelta(seconds=seconds))


def test_links_beat_times():
    assert chain_order({"b": link("a", 1), "a": link(None, 5), "c": link("b", 0)}) == (
        "a",
        "b",
        "c",
    )


def test_items_that_name_the_same_one_come_by_time_with_what_follows_them():
    links = {
        "root": link(None),
        "later": link("root", 9),
        "its follower": link("later", 10),
        "earlier": link("root", 5),
        "after earlier": link("earlier", 20),
    }
    assert chain_order(links) == ("root", "earlier", "after earlier", "later", "its follower")


def test_an_item_after_an_unknown_one_stands_by_its_time():
    links = {"a": link(None, 0), "c": link("lost", 2), "d": link(None, 3), "b": link("gone", 1)}
    assert chain_order(links) == ("a", "b", "c", "d")


def test_a_ring_is_opened_at_its_earliest_item():
    links = {"x": link("y", 2), "y": link("x", 1), "a": link(None, 0)}
    assert chain_order(links) == ("a", "y", "x")


items = st.sampled_from("abcdefgh")


@given(
    st.dictionaries(items, st.builds(link, st.none() | items, st.integers(0, 5))),
    st.randoms(use_true_random=False),
)
def test_whatever_the_links_nothing_is_lost_and_the_order_is_one(links, random):
    order = chain_order(links)
    assert sorted(order) == sorted(links)
    shuffled = list(links.items())
    random.shuffle(shuffled)
    assert chain_order(dict(shuffled)) == order
