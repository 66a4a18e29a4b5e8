"""The files of the built pages, kept in memory as they are sent."""

import gzip
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import anyio.to_thread

from vivavoce.api.freshness import tag_of

INDEX: Final = "index.html"
PACKAGED: Final = Path(__file__).parents[1] / "static"
MAX_FILE_BYTES: Final = 8 * 1024 * 1024
_COMPRESSED: Final = frozenset({".css", ".html", ".js", ".json", ".svg", ".txt", ".wasm"})


@dataclass(frozen=True)
class StaticFile:
    """A file as it is sent."""

    content: bytes
    compressed: bytes | None
    media_type: str
    etag: str


@dataclass
class Pages:
    """The built pages of a folder, read again when they were built anew."""

    folder: Path
    _built_at: int | None = None
    _files: Mapping[str, StaticFile] | None = None

    async def find(self, name: str) -> StaticFile | None:
        """A file by its path below the folder; None if there is none."""
        try:
            built_at = (self.folder / INDEX).stat().st_mtime_ns
        except OSError:
            return None
        if self._files is None or built_at != self._built_at:
            self._files = await anyio.to_thread.run_sync(_read_folder, self.folder)
            self._built_at = built_at
        return self._files.get(name)


def _read_folder(folder: Path) -> dict[str, StaticFile]:
    return {
        path.relative_to(folder).as_posix(): _read(path)
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink() and path.stat().st_size <= MAX_FILE_BYTES
    }


def _read(path: Path) -> StaticFile:
    content = path.read_bytes()
    compressed = gzip.compress(content, mtime=0) if path.suffix in _COMPRESSED else None
    return StaticFile(
        content=content,
        compressed=compressed if compressed and len(compressed) < len(content) else None,
        media_type=_media_type(path),
        etag=tag_of(content),
    )


def _media_type(path: Path) -> str:
    """By the file's ending; the machine's own table may be empty or odd, so ours comes first."""
    known = {
        ".css": "text/css",
        ".html": "text/html",
        ".js": "text/javascript",
        ".svg": "image/svg+xml",
        ".wasm": "application/wasm",
        ".woff2": "font/woff2",
    }
    guessed = mimetypes.types_map.get(path.suffix, "application/octet-stream")
    return known.get(path.suffix, guessed)
