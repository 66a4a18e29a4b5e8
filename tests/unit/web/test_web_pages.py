"""What the built pages weigh, and that they ask nobody else for anything."""

import gzip
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
STATIC = ROOT / "src" / "vivavoce" / "static"
MAX_FIRST_LOAD_BYTES = 150_000
"""Of the candidate's room, compressed."""


@pytest.fixture(scope="module")
def assets():
    """The pages' files by name, and the one document."""
    assert (STATIC / "index.html").exists(), "build the pages first: make web"
    return {path.name: path.read_text() for path in (STATIC / "assets").iterdir()}


def loaded(assets, page):
    """What a browser loads for a page: the document's files, the page's own, what these import."""
    document = (STATIC / "index.html").read_text()
    own = re.compile(rf"{page}-[\w-]+\.(?:js|css)")
    waiting = [*re.findall(r"/assets/([\w.-]+)", document), *filter(own.fullmatch, assets)]
    found = set()
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += re.findall(r'(?:from|import)\s*"\./([\w.-]+)"', assets[name])
    return {name: assets[name] for name in found}


def test_the_first_load_of_the_room_is_small(assets):
    files = loaded(assets, "Candidate")
    assert any(name.startswith("Candidate") and name.endswith(".js") for name in files)
    assert any(name.startswith("index") and name.endswith(".js") for name in files)
    sizes = {name: len(gzip.compress(text.encode(), 9)) for name, text in files.items()}
    assert 50_000 < sum(sizes.values()) <= MAX_FIRST_LOAD_BYTES, sizes


def test_no_page_names_a_stranger(assets):
    """A font, a script or a picture of somebody else would be asked for by its whole address."""
    asked = re.compile(r"""(?:src|href)=["'](?:https?:)?//|url\((?:https?:)?//|@import""")
    document = (STATIC / "index.html").read_text()
    for name, text in {**assets, "index.html": document}.items():
        assert asked.search(text) is None, name
