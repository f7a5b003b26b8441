"""The folder that the builder reads holds the manifest's files, one time, the right modes, and no way out."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from providers.buildx.folder import Stopped, fill_folder
from specs.context import MODIFIED_AT, context_tar
from specs.manifest import Manifest, ManifestEntry

CONTENTS = {
    "a.txt": b"hi",
    "d/e/run": b"#!/bin/sh\n",
    "ln": b"/etc",
    "é\udce9": b"x",
    "big": b"z" * 3_000_000,
}


def _manifest(names: Mapping[str, bytes]) -> Manifest:
    modes = {"d/e/run": "100755", "ln": "120000"}
    return Manifest(
        ".", tuple(f"{modes.get(name, '100644')} blob {'0' * 40}\t{name}" for name in sorted(names))
    )


def _read(entries: Sequence[ManifestEntry]) -> Mapping[str, bytes]:
    return {entry.path: CONTENTS[entry.path] for entry in entries}


def test_files_modes_links_and_times(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        tar = context_tar(_manifest(CONTENTS), _read)
        dockerfile, root = fill_folder(tmp_path, b"FROM scratch\n", tar, threading.Event())
    finally:
        os.umask(before)
    assert dockerfile.read_bytes() == b"FROM scratch\n"
    assert root.name == f"context-{tmp_path.name}"
    assert (tmp_path / "Dockerfile.dockerignore").exists()
    found = {
        path.relative_to(root).as_posix(): path
        for path in root.rglob("*")
        if not path.is_dir() or path.is_symlink()
    }
    assert found.keys() == CONTENTS.keys()
    assert {name: path.read_bytes() for name, path in found.items() if name != "ln"} == {
        name: content for name, content in CONTENTS.items() if name != "ln"
    }
    assert os.readlink(root / "ln") == "/etc"
    modes = {name: oct(stat.S_IMODE(path.lstat().st_mode)) for name, path in found.items()}
    assert (modes["a.txt"], modes["d/e/run"]) == ("0o644", "0o755")
    assert stat.S_IMODE((root / "d/e").stat().st_mode) == 0o755
    assert {path.lstat().st_mtime for path in (*found.values(), root / "d", root / "d/e", root)} == {
        MODIFIED_AT
    }


def test_a_file_below_a_link_is_not_written_through_it(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    folder = tmp_path / "build"
    folder.mkdir()
    contents = {"ln": str(tmp_path / "outside").encode(), "ln/x": b"1"}
    tar = context_tar(
        _manifest(contents), lambda entries: {entry.path: contents[entry.path] for entry in entries}
    )
    with pytest.raises(OSError, match="exists"):
        fill_folder(folder, b"", tar, threading.Event())
    assert list((tmp_path / "outside").iterdir()) == []


def test_it_stops_when_asked(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        fill_folder(tmp_path, b"", context_tar(_manifest(CONTENTS), _read), stop)
