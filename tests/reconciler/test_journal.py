from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler import journal as journal_module
from reconciler.journal import Journal, state_folder
from reconciler.ownership import Owner

OWNER = Owner("shop", "dev")


def test_entries_come_back_newest_first(tmp_path: Path) -> None:
    journal = Journal.of(OWNER, tmp_path)
    assert journal.append({"at": 1})
    assert journal.append({"at": 2, "text": "ü\n"})
    assert list(journal.newest()) == [{"at": 2, "text": "ü\n"}, {"at": 1}]
    assert stat.S_IMODE(journal.path.stat().st_mode) == 0o600
    assert journal.path == tmp_path / "shop" / "dev" / "journal.jsonl"


def test_a_torn_last_line_costs_only_itself(tmp_path: Path) -> None:
    journal = Journal.of(OWNER, tmp_path)
    journal.append({"at": 1})
    with journal.path.open("ab") as stream:
        stream.write(b'{"at": 2, "te')
    assert list(journal.newest()) == [{"at": 1}]
    journal.append({"at": 3})
    assert list(journal.newest()) == [{"at": 3}, {"at": 1}]


def test_a_journal_may_be_deleted(tmp_path: Path) -> None:
    journal = Journal.of(OWNER, tmp_path)
    journal.append({"at": 1})
    journal.path.unlink()
    assert list(journal.newest()) == []
    assert journal.append({"at": 2})


def test_a_journal_that_cannot_be_written_fails_nothing(tmp_path: Path) -> None:
    (tmp_path / "shop").write_text("a file where a folder should be")
    journal = Journal.of(OWNER, tmp_path)
    assert not journal.append({"at": 1})
    assert list(journal.newest()) == []


def test_a_long_journal_is_begun_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "_MAX_BYTES", 10)
    journal = Journal.of(OWNER, tmp_path)
    journal.append({"text": "longer than ten bytes"})
    journal.append({"at": 2})
    assert list(journal.newest()) == [{"at": 2}, {"text": "longer than ten bytes"}]
    assert journal.path.with_name("journal.jsonl.1").exists()
    assert journal.read(9).is_whole, "nothing was thrown away yet"
    journal.append({"at": 3})
    told = journal.read(9)
    assert (list(told.entries), told.is_whole) == ([{"at": 3}, {"at": 2}], False)
    assert journal.read(1).is_whole, "what is asked for is there"


def test_damaged_lines_are_counted_and_cost_only_themselves(tmp_path: Path) -> None:
    journal = Journal.of(OWNER, tmp_path)
    journal.append({"at": 1})
    with journal.path.open("ab") as stream:
        stream.write(b"\x00\xff{\n[1, 2]\n" + b"[" * 100_000 + b"\n")
    journal.append({"at": 2})
    told = journal.read(9)
    assert (list(told.entries), told.damaged, told.is_whole) == ([{"at": 2}, {"at": 1}], 3, False)


def test_an_entry_that_is_too_long_is_kept_without_its_list(tmp_path: Path) -> None:
    journal = Journal.of(OWNER, tmp_path)
    assert journal.append({"at": 1, "actions": ["x" * 1000] * 2000})
    assert list(journal.newest()) == [{"at": 1, "actions": [], "shortened": True}]


_WRITER = """
import sys
from pathlib import Path
from reconciler import journal
from reconciler.ownership import Owner
journal._MAX_BYTES = 20_000
for n in range(150):
    assert journal.Journal.of(Owner("shop", "dev"), Path(sys.argv[1])).append(
        {"by": sys.argv[2], "n": n, "x": "y" * 100}
    )
"""


def test_many_processes_write_whole_lines_and_rotate_once(tmp_path: Path) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", _WRITER, str(tmp_path), name]) for name in ("a", "b", "c")
    ]
    assert [writer.wait(30) for writer in writers] == [0, 0, 0]
    told = Journal.of(OWNER, tmp_path).read(1000)
    assert told.damaged == 0
    seen = {(entry["by"], entry["n"]) for entry in told.entries}
    assert len(seen) == len(told.entries) > 150, "two files of 20 kB hold more than a third of 60 kB"


def test_the_state_folder_follows_xdg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/somewhere")
    assert state_folder() == Path("/somewhere/reconciler")
