"""A transcript as JSON, Markdown, WebVTT or CSV.

Sources: WebVTT, W3C Candidate Recommendation 2019-04-04; CSV, RFC 4180; formulas, OWASP "CSV
Injection".
"""

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

import msgspec

from vivavoce.protocol.codec import encode
from vivavoce.protocol.transcript import Speaker, TranscriptEntry, Witness

_NAMES: Final = MappingProxyType({Speaker.AI: "Interviewer", Speaker.CANDIDATE: "Candidate"})
_MARKDOWN_SIGNS: Final = re.compile(r"([\\`*_{}\[\]<>#|~])")
_MARKDOWN_LINE_STARTS: Final = re.compile(r"^(\s*)([-+=]|\d+[.)])", re.MULTILINE)
_FORMULA_STARTS: Final = (
    "=",
    "+",
    "-",
    "@",
    "\t",
    "\r",
    "\n",
    "\uff1d",
    "\uff0b",
    "\uff0d",
    "\uff20",
)
_CHARACTERS_PER_SECOND: Final = 15.0
_SHORTEST_CUE: Final = timedelta(seconds=1)


class Transcript(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """A session's transcript, in order. `complete` is None while the session lives."""

    session_id: str
    status: str
    complete: bool | None
    created_at: datetime
    entries: list[TranscriptEntry]


@dataclass(frozen=True)
class Format:
    """One way to write a transcript."""

    media_type: str
    suffix: str
    write: Callable[[Transcript], bytes]


def markdown(transcript: Transcript) -> bytes:
    """Write a transcript for reading. What was said can never become markup."""
    lines = [f"# Interview {transcript.session_id}", ""]
    lines.append(f"{transcript.created_at:%Y-%m-%d %H:%M} UTC, status: {transcript.status}")
    if transcript.complete is False:
        lines.append("\n> This transcript may lack entries.")
    lines.append("")
    for entry in transcript.entries:
        marks = _marks(entry)
        note = f" *({', '.join(marks)})*" if marks else ""
        lines.append(
            f"**{_NAMES[entry.speaker]}** {entry.timestamp:%H:%M:%S}{note}  \n"
            f"{_escape_markdown(entry.content)}\n"
        )
    return "\n".join(lines).encode()


def webvtt(transcript: Transcript) -> bytes:
    """Write a transcript as captions, timed from its first entry."""
    blocks = ["WEBVTT"]
    entries = transcript.entries
    if entries:
        origin = min(entry.timestamp for entry in entries)
        for entry, (start, end) in zip(entries, _cues(entries), strict=True):
            text = " ".join(entry.content.split())
            text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
            blocks.append(
                f"{_vtt_time(start - origin)} --> {_vtt_time(end - origin)}\n"
                f"<v {_NAMES[entry.speaker]}>{text}"
            )
    return ("\n\n".join(blocks) + "\n").encode()


def csv_table(transcript: Transcript) -> bytes:
    """Write a transcript as a table. No cell can be taken for a formula by a spreadsheet."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(
        ["timestamp", "speaker", "content", "itemId", "final", "truncated", "witness", "confidence"]
    )
    for entry in transcript.entries:
        writer.writerow(
            [
                entry.timestamp.isoformat(),
                entry.speaker,
                _safe_cell(entry.content),
                _safe_cell(entry.item_id),
                str(entry.final).lower(),
                str(entry.truncated).lower(),
                entry.witness,
                "" if entry.confidence is None else f"{entry.confidence:.4f}",
            ]
        )
    return out.getvalue().encode()


FORMATS: Final[Mapping[str, Format]] = MappingProxyType(
    {
        "json": Format("application/json", "json", encode),
        "md": Format("text/markdown", "md", markdown),
        "vtt": Format("text/vtt", "vtt", webvtt),
        "csv": Format("text/csv", "csv", csv_table),
    }
)
_BY_NAME: Final = MappingProxyType({**FORMATS, "markdown": FORMATS["md"], "webvtt": FORMATS["vtt"]})


def choose_format(name: str | None, accept: str | None) -> Format | None:
    """Pick the format that is asked for by `?format=`, else by `Accept`; JSON if nobody says.

    Returns:
        None if there is no such format.
    """
    if name is not None:
        return _BY_NAME.get(name.lower())
    by_type = {form.media_type.partition(";")[0]: form for form in FORMATS.values()}
    for wanted in _by_preference(accept or "*/*"):
        if wanted in ("*/*", "application/*"):
            return FORMATS["json"]
        if wanted == "text/*":
            return FORMATS["md"]
        if wanted in by_type:
            return by_type[wanted]
    return None


def _by_preference(accept: str) -> list[str]:
    """Media types of an `Accept` header, the dearest first (RFC 9110 §12.5.1)."""
    weighed = []
    for part in accept.split(",")[:32]:
        media_type, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weight = 1.0
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            if name == "q":
                try:
                    weight = float(value)
                except ValueError:
                    weight = 0.0
        if weight > 0:
            weighed.append((weight, media_type))
    return [media_type for _, media_type in sorted(weighed, key=lambda pair: -pair[0])]


def _marks(entry: TranscriptEntry) -> list[str]:
    marks = []
    if entry.truncated:
        marks.append("cut off")
    if entry.speaker is Speaker.AI and entry.witness is Witness.CLIENT:
        marks.append("unverified")
    return marks


def _escape_markdown(text: str) -> str:
    text = _MARKDOWN_SIGNS.sub(r"\\\1", text.replace("\r", " "))
    return _MARKDOWN_LINE_STARTS.sub(r"\1\\\2", text)


def _safe_cell(text: str) -> str:
    """A leading apostrophe makes a spreadsheet read the cell as text."""
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA_STARTS) else text


def _cues(entries: Sequence[TranscriptEntry]) -> list[tuple[datetime, datetime]]:
    """Start and end of each entry: until the next one starts, at most as long as it takes to say.

    Starts never go back, because WebVTT demands it and barge-ins overlap.
    """
    starts = []
    latest = entries[0].timestamp
    for entry in entries:
        latest = max(latest, entry.timestamp)
        starts.append(latest)
    cues = []
    for index, entry in enumerate(entries):
        spoken = timedelta(seconds=len(entry.content) / _CHARACTERS_PER_SECOND)
        end = starts[index] + max(spoken, _SHORTEST_CUE)
        if index + 1 < len(entries) and starts[index + 1] > starts[index]:
            end = min(end, starts[index + 1])
        cues.append((starts[index], end))
    return cues


def _vtt_time(offset: timedelta) -> str:
    milliseconds = round(offset.total_seconds() * 1000)
    seconds, milliseconds = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}.{milliseconds:03d}"
