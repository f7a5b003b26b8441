"""What lies in the volumes of files: every way in which it can differ is told, and nothing else."""

from __future__ import annotations

import hashlib

import pytest

from cli_world import CliWorld, live_name
from reconciler.cli.drift import report_drift
from reconciler.contents import Seen, differences
from reconciler.files import FileLine


def blob(content: bytes, algorithm: str = "sha1") -> str:
    return hashlib.new(algorithm, b"blob %d\0" % len(content) + content).hexdigest()


A = FileLine("a", 0o440, 1, 2, blob(b"one"))
LINK = FileLine("sub/l", 0o444, 0, 0, blob(b"../a"), True)
HERE = (Seen("a", 0o440, 1, 2, b"one"), Seen("sub/l", 0o777, 0, 0, b"", "../a"))


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (HERE, ()),
        (HERE[:1], ("sub/l is gone",)),
        ((*HERE, Seen("b", 0o444, 0, 0, b"")), ("b is new",)),
        ((Seen("a", 0o440, 1, 2, b"two"), HERE[1]), ("a has other content",)),
        ((Seen("a", 0o444, 1, 2, b"one"), HERE[1]), ("a has another owner or mode",)),
        ((HERE[0], Seen("sub/l", 0o777, 0, 0, b"", "../b")), ("sub/l has other content",)),
        ((HERE[0], Seen("sub/l", 0o444, 0, 0, b"../a")), ("sub/l has other content",)),
        ((), ("a is gone", "sub/l is gone")),
    ],
)
def test_every_difference_is_told(found: tuple[Seen, ...], words: tuple[str, ...]) -> None:
    assert differences((A, LINK), found, is_file=False) == words


def test_a_file_alone_and_every_kind_of_digest() -> None:
    for content in (blob(b"x"), blob(b"x", "sha256"), f"sha256:{hashlib.sha256(b'x').hexdigest()}"):
        line = FileLine("app.conf", 0o444, 0, 0, content)
        assert differences((line,), (Seen(".", 0o444, 0, 0, b"x"),), is_file=True) == ()
        changed = differences((line,), (Seen(".", 0o444, 0, 0, b"y"),), is_file=True)
        assert changed == ("app.conf has other content",)


def test_only_a_deep_look_sees_a_file_that_was_changed_in_its_volume(settled: CliWorld) -> None:
    assert settled.run(report_drift, deep=True).exit == 0
    (volume,) = [v for v in settled.engine.ground.volumes.values() if "_files_" in v.name]
    volume.content["page.txt"] = b"meddled"
    assert settled.run(report_drift).exit == 0
    report = settled.run(report_drift, deep=True)
    assert (report.exit, report.members["result"]) == (2, "drifted")
    assert "configs./etc/page.txt" in report.text
    assert "page.txt has other content" in report.text
    assert f"docker rm --force {live_name(settled, 'web')} && docker volume rm {volume.name}" in report.text
