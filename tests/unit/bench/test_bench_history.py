"""The checker behind the soak: it must see every way in which a transcript can go wrong."""

from dataclasses import replace

import pytest
from bench.history import Entry, check
from hypothesis import given
from hypothesis import strategies as st

SAID = ["Good morning.", "Hello.", "Why this job?", "I like it.", "Thank you."]
STORED = [Entry(f"item_{number}", 1, line) for number, line in enumerate(SAID)]


def test_a_transcript_that_holds_exactly_what_was_said_is_clean():
    assert check(acknowledged=STORED, stored=STORED, said=SAID).clean


@given(st.integers(0, len(STORED) - 1))
def test_an_acknowledged_entry_that_is_not_stored_is_lost(gone):
    findings = check(acknowledged=STORED, stored=STORED[:gone] + STORED[gone + 1 :], said=SAID)
    assert findings.lost == (STORED[gone].item_id,)
    assert findings.missing == (SAID[gone],)


def test_an_older_revision_than_the_acknowledged_one_is_a_loss():
    newer = replace(STORED[1], revision=2, content="Hello there.")
    assert check(acknowledged=[newer], stored=STORED, said=SAID).lost == ("item_1",)


def test_another_text_under_the_same_revision_is_a_loss():
    other = replace(STORED[1], content="Hello there.")
    assert check(acknowledged=[other], stored=STORED, said=SAID).lost == ("item_1",)


def test_a_later_revision_replaces_an_acknowledged_one():
    earlier = replace(STORED[1], revision=0, content="Hello")
    assert check(acknowledged=[earlier, *STORED], stored=STORED, said=SAID).clean


@pytest.mark.parametrize("item_id", ["item_1", "item_made_again"])
def test_a_line_stored_twice_is_doubled_under_one_id_or_two(item_id):
    stored = [*STORED[:2], replace(STORED[1], item_id=item_id), *STORED[2:]]
    findings = check(acknowledged=STORED, stored=stored, said=SAID)
    assert findings.doubled == tuple(sorted({"item_1", item_id}))


@given(st.permutations(STORED))
def test_only_the_order_in_which_it_was_said_counts_as_ordered(stored):
    findings = check(acknowledged=STORED, stored=stored, said=SAID)
    assert bool(findings.reordered) == (list(stored) != STORED)


def test_what_was_said_but_never_acknowledged_is_missing_and_not_lost():
    findings = check(acknowledged=STORED[:-1], stored=STORED[:-1], said=SAID)
    assert findings.missing == (SAID[-1],)
    assert not findings.lost
    assert not findings.clean


def test_a_line_that_nobody_said_is_invented():
    stored = [*STORED, Entry("item_9", 0, "I hacked it.")]
    assert check(acknowledged=STORED, stored=stored, said=SAID).invented == ("I hacked it.",)


def test_items_that_turned_out_to_be_silence_are_no_lines():
    silences = [Entry("item_8", 2, ""), Entry("item_9", 3, "")]
    assert check(acknowledged=[*STORED, *silences], stored=[*STORED, *silences], said=SAID).clean
    assert check(acknowledged=silences, stored=STORED, said=SAID).lost == ("item_8", "item_9")
