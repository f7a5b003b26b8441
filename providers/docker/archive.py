"""Files as the tar streams in which the engine takes and gives them. Pure."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from reconciler.contents import Seen
from reconciler.provider import FileEntry, Refused


def pack(where: str, entries: Sequence[FileEntry]) -> bytes:
    """A tar of files, links and the folders between, sorted, without times. Raises Refused for a path
    that leaves the root."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for folder in _folders(entries):
            tar.addfile(_member(str(folder), tarfile.DIRTYPE, 0o755))
        for entry in sorted(entries, key=lambda entry: entry.path):
            _check(where, entry.path)
            tar.addfile(_file_member(entry), io.BytesIO(entry.content))
    return stream.getvalue()


def _folders(entries: Iterable[FileEntry]) -> list[PurePosixPath]:
    found = {folder for entry in entries for folder in PurePosixPath(entry.path).parents}
    return sorted(found - {PurePosixPath(".")})


def _check(where: str, path: str) -> None:
    pure = PurePosixPath(path)
    if path in ("", ".") or pure.is_absolute() or ".." in pure.parts or str(pure) != path or "\0" in path:
        remedy = "name the file without '..', a leading '/' and a doubled one"
        raise Refused("DKR035", where, f"the path {path!r}", "a plain path below the root", remedy)


def _file_member(entry: FileEntry) -> tarfile.TarInfo:
    kind = tarfile.REGTYPE if entry.link is None else tarfile.SYMTYPE
    member = _member(entry.path, kind, entry.mode)
    member.uid, member.gid = entry.uid, entry.gid
    if entry.link is None:
        member.size = len(entry.content)
    else:
        member.linkname = entry.link
    return member


def _member(name: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.mode, member.mtime = kind, mode, 0
    return member


def pack_alone(entry: FileEntry) -> bytes:
    """A tar of one file without its folders, so that folders that exist keep their owner and mode."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar:
        tar.addfile(_file_member(entry), io.BytesIO(entry.content))
    return stream.getvalue()


def unpack_all(stream: bytes) -> list[Seen]:
    """The files and links of a tar of one file or folder, by their paths below it; ``.`` is the file itself.
    Raises ValueError for what is no tar."""
    found = []
    try:
        with tarfile.open(fileobj=io.BytesIO(stream)) as tar:
            for member in tar:
                content = tar.extractfile(member) if member.isfile() else None
                if content is None and not member.issym():
                    continue
                path = member.name.partition("/")[2] or "."
                link = member.linkname if member.issym() else None
                body = b"" if content is None else content.read()
                found.append(Seen(path, member.mode & 0o7777, member.uid, member.gid, body, link))
    except tarfile.TarError:
        raise ValueError("not an archive") from None
    return found


def unpack_one(stream: bytes, limit: int = 1 << 20) -> bytes:
    """The content of the only file in a tar, at most ``limit`` bytes; empty when there is none."""
    try:
        with tarfile.open(fileobj=io.BytesIO(stream)) as tar:
            member = tar.next()
            content = tar.extractfile(member) if member is not None and member.isfile() else None
            return content.read(limit) if content is not None else b""
    except tarfile.TarError:
        return b""
