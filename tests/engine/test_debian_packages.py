"""Reading the machine's apt sources: what of them is Debian's own, and how it reads for another release."""

from __future__ import annotations

from pathlib import Path

import pytest

from debian_packages import GroundError, parse_deb822, parse_one_line, read_debian_sources

DEB822 = """\
# a comment
Types: deb
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates bookworm-backports
Components: main contrib
Signed-By: /usr/share/keyrings/archive.gpg

Types: deb-src
URIs: http://mirror.example/debian
Suites: bookworm
Components: main

Types: deb
Enabled: no
URIs: http://other.example/debian
Suites: bookworm
Components: main
"""


def apt_folder(tmp_path: Path, files: dict[str, str]) -> Path:
    (tmp_path / "sources.list.d").mkdir()
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_a_deb822_source_is_rendered_for_another_release(tmp_path: Path) -> None:
    folder = apt_folder(tmp_path, {"sources.list.d/debian.sources": DEB822})
    (source,) = read_debian_sources("bookworm", folder)
    assert source.render("bookworm", "trixie") == (
        "Types: deb\nURIs: http://mirror.example/debian\nSuites: trixie trixie-updates\n"
        "Components: main\nSigned-By: /usr/share/keyrings/archive.gpg\n\n"
    )


def test_one_line_sources_keep_what_verifies_them() -> None:
    (source,) = parse_one_line(
        "deb [arch=amd64 signed-by=/keys/a.gpg] http://mirror.example/debian-security bookworm-security main"
    )
    assert source.suites == ("bookworm-security",)
    assert source.signed_by == "/keys/a.gpg"


def test_a_key_written_into_the_source_is_kept_whole() -> None:
    text = DEB822.replace(" /usr/share/keyrings/archive.gpg", "\n -----BEGIN-----\n .\n abc\n -----END-----")
    source = next(parse_deb822(text))
    assert source.signed_by == "\n -----BEGIN-----\n .\n abc\n -----END-----"


def test_third_parties_are_left_out_and_no_source_is_an_error(tmp_path: Path) -> None:
    text = "deb http://third.example/linux bookworm main\ndeb http://third.example/debian nodistro main\n"
    with pytest.raises(GroundError, match="no apt source of Debian bookworm"):
        read_debian_sources("bookworm", apt_folder(tmp_path, {"sources.list.d/third.list": text}))
