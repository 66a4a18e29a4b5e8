"""A transcript in every format; what was said can never become anything else."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.api.transcript_formats import FORMATS, Transcript, choose_format
from vivavoce.protocol.transcript import Speaker, TranscriptEntry, Witness

START = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)


def entry(number, content, *, speaker=Speaker.CANDIDATE, after=None, **changes):
    return TranscriptEntry(
        item_id=f"item_{number}",
        revision=0,
        previous_item_id=None,
        speaker=speaker,
        content=content,
        timestamp=START + timedelta(seconds=number if after is None else after),
        final=True,
        **changes,
    )


def transcript(*entries):
    return Transcript(
        session_id="s", status="ended", complete=True, created_at=START, entries=list(entries)
    )


def written(name, *entries):
    return FORMATS[name].write(transcript(*entries)).decode()


@pytest.mark.parametrize(
    "said", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\n=1", "\uff1d1", '="a"&"b"']
)
def test_a_formula_is_text_in_a_spreadsheet(said):
    [_, row] = csv.reader(io.StringIO(written("csv", entry(1, said)), newline=""))
    assert row[2] == f"'{said}"


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=5))
def test_a_csv_reads_back_as_it_was_said(contents):
    text = written("csv", *(entry(number, said) for number, said in enumerate(contents)))
    rows = list(csv.reader(io.StringIO(text, newline="")))[1:]
    assert [row[2].removeprefix("'") for row in rows] == [
        said.removeprefix("'") for said in contents
    ]
    for row in rows:
        assert row[2].lstrip(" ")[:1] not in set("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=5))
def test_captions_have_one_cue_for_each_entry_whatever_was_said(contents):
    text = written("vtt", *(entry(number, said) for number, said in enumerate(contents)))
    times = re.findall(r"^(\S+) --> (\S+)$", text, re.MULTILINE)
    assert len(times) == len(contents)
    assert text.count("-->") == len(contents)
    assert text.count("<") == len(contents)
    for start, end in times:
        assert start < end


def test_captions_never_go_back_in_time():
    text = written("vtt", entry(1, "one", after=5), entry(2, "two", after=3), entry(3, "three"))
    starts = re.findall(r"^(\S+) -->", text, re.MULTILINE)
    assert starts == sorted(starts)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
def test_nothing_that_was_said_is_markup(said):
    text = written("md", entry(1, said))
    body = text.split("  \n", 1)[1]
    assert not re.search(r"(?<!\\)[`*_\[\]<>#|~]", body.replace("\\\\", ""))
    assert not re.search(r"^\s*(?:[-+=]|\d+[.)])", body, re.MULTILINE)


def test_markdown_tells_what_is_doubtful():
    text = written(
        "md",
        entry(1, "Hello", speaker=Speaker.AI, truncated=True),
        entry(2, "Mine", speaker=Speaker.AI, witness=Witness.CLIENT),
        entry(3, "Yours", witness=Witness.CLIENT),
    )
    assert "**Interviewer** 10:00:01 *(cut off)*" in text
    assert "**Interviewer** 10:00:02 *(unverified)*" in text
    assert "**Candidate** 10:00:03  \nYours" in text


@pytest.mark.parametrize(
    ("name", "accept", "chosen"),
    [
        (None, None, "json"),
        (None, "", "json"),
        (None, "*/*", "json"),
        (None, "text/*", "md"),
        (None, "text/csv;q=0.1, text/vtt;q=0.9", "vtt"),
        (None, "text/vtt;q=0, text/csv", "csv"),
        (None, "text/vtt;q=nonsense, application/json", "json"),
        ("WebVTT", "text/csv", "vtt"),
        ("markdown", None, "md"),
    ],
)
def test_the_name_comes_before_the_header(name, accept, chosen):
    assert choose_format(name, accept) is FORMATS[chosen]


def test_a_format_that_is_not_there_is_none():
    assert choose_format("docx", "text/csv") is None
    assert choose_format(None, "image/png") is None
