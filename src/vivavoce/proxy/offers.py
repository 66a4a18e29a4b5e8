"""What a client may send as an SDP offer, and the ICE candidates that go into it.

A check of form, not of meaning: it keeps nonsense and line injection from the voice model, which
judges the rest. Source: RFC 8866 (SDP), RFC 8839 (ICE in SDP), RFC 8829 (JSEP).
"""

import re
from collections.abc import Sequence
from typing import Final

from vivavoce.errors import InvalidRequest
from vivavoce.protocol.messages import MAX_SDP_BYTES, IceCandidateData

MAX_LINES: Final = 1_000
MAX_LINE_CHARACTERS: Final = 4_096
MAX_SECTIONS: Final = 16
MAX_ICE_CANDIDATES: Final = 64
_LINE: Final = re.compile(r"[a-z]=[^\x00-\x1f\x7f]*")
_ICE_CANDIDATE: Final = re.compile(r"candidate:[\x21-\x7e][\x20-\x7e]*")
_NEEDED: Final = (
    ("o=", "origin (o=)"),
    ("s=", "session name (s=)"),
    ("t=", "timing (t=)"),
    ("m=audio ", "audio section (m=audio)"),
    ("a=ice-ufrag:", "ICE user fragment (a=ice-ufrag)"),
    ("a=ice-pwd:", "ICE password (a=ice-pwd)"),
    ("a=fingerprint:", "DTLS fingerprint (a=fingerprint)"),
)


def checked_offer(sdp: str, ice_candidates: Sequence[IceCandidateData] = ()) -> str:
    """Check an offer and put ICE candidates into it that came before it.

    Returns:
        The offer with CRLF line ends.

    Raises:
        InvalidRequest: If it is not a session description with audio; says what is wrong, without
            repeating any of it.
    """
    lines = sdp.replace("\r\n", "\n").rstrip("\n").split("\n")
    if lines[0] != "v=0":
        raise InvalidRequest("The offer is not a session description: it must begin with v=0.")
    if len(lines) > MAX_LINES or len(sdp.encode(errors="replace")) > MAX_SDP_BYTES:
        raise InvalidRequest(
            f"The offer is longer than {MAX_LINES} lines or {MAX_SDP_BYTES} bytes."
        )
    for number, line in enumerate(lines, start=1):
        if len(line) > MAX_LINE_CHARACTERS or not _LINE.fullmatch(line):
            raise InvalidRequest(f"The offer is not a session description: see line {number}.")
    for beginning, name in _NEEDED:
        if not any(line.startswith(beginning) for line in lines):
            raise InvalidRequest(f"The offer has no {name}.")
    if sum(line.startswith("m=") for line in lines) > MAX_SECTIONS:
        raise InvalidRequest(f"The offer has more than {MAX_SECTIONS} media sections.")
    return "\r\n".join([*_with_candidates(lines, ice_candidates), ""])


def checked_candidate(data: IceCandidateData) -> IceCandidateData:
    """Check the form of an ICE candidate.

    Raises:
        InvalidRequest: If it is not one (RFC 8839 §5.1).
    """
    text = (data.candidate or "").removeprefix("a=")
    if text and not _ICE_CANDIDATE.fullmatch(text):
        raise InvalidRequest("The ICE candidate does not have the form candidate:…")
    return IceCandidateData(
        candidate=text or None, sdp_mid=data.sdp_mid, sdp_m_line_index=data.sdp_m_line_index
    )


def _with_candidates(lines: Sequence[str], ice_candidates: Sequence[IceCandidateData]) -> list[str]:
    """Put each candidate at the end of its media section; the first one if it names none."""
    starts = [index for index, line in enumerate(lines) if line.startswith("m=")]
    ends = [*starts[1:], len(lines)]
    sections = [list(lines[start:end]) for start, end in zip(starts, ends, strict=True)]
    for data in ice_candidates:
        line = f"a={data.candidate}"
        section = _section(sections, data)
        if data.candidate and section is not None and line not in section:
            section.append(line)
    return [*lines[: starts[0]], *(line for section in sections for line in section)]


def _section(sections: list[list[str]], data: IceCandidateData) -> list[str] | None:
    if data.sdp_mid is not None:
        named = f"a=mid:{data.sdp_mid}"
        return next((section for section in sections if named in section), None)
    index = data.sdp_m_line_index or 0
    return sections[index] if index < len(sections) else None
