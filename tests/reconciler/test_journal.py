from __future__ import annotations

import stat
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
    assert list(journal.newest()) == [{"at": 2}]
    assert journal.path.with_name("journal.jsonl.1").exists()


def test_the_state_folder_follows_xdg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/somewhere")
    assert state_folder() == Path("/somewhere/reconciler")
