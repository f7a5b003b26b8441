from __future__ import annotations

import json

import pytest
import structlog

from cli_world import CliWorld
from reconciler.cli.apply import report_apply
from reconciler.log import Redaction, configure

SECRET = "correct-horse-battery"


@pytest.fixture(autouse=True)
def _reset() -> object:
    yield
    structlog.reset_defaults()


def test_secrets_are_taken_out_wherever_they_stand() -> None:
    class Told:
        def __str__(self) -> str:
            return f"<{SECRET}>"

    event = {
        "event": f"a{SECRET}b",
        SECRET: 1,
        "deep": {"x": [SECRET, {"y": (SECRET,)}]},
        "other": Told(),
        "n": 5,
    }
    clean = Redaction([SECRET, "abc"])(None, "info", event)
    assert SECRET not in json.dumps(clean)
    assert clean["n"] == 5


def test_short_secrets_hide_no_message() -> None:
    assert Redaction(["1"])(None, "info", {"event": "1 of 21"}) == {"event": "1 of 21"}


def test_log_lines_are_json_without_secrets_and_tracebacks_without_values(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure(secrets=[SECRET], as_json=True)
    log = structlog.get_logger()
    try:
        password = SECRET
        raise ValueError(password)
    except ValueError:
        log.exception("failed", token=SECRET)
    log.debug("not shown")
    (line,) = capsys.readouterr().err.splitlines()
    found = json.loads(line)
    assert found["event"] == "failed"
    assert found["level"] == "error"
    assert "ValueError" in found["exception"]
    assert SECRET not in line


def test_apply_logs_json_where_no_person_looks_on(
    shop: CliWorld, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RECONCILER_LOG", raising=False)
    shop.run(report_apply, services=("cache",))
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert {line["event"] for line in lines} == {"started", "done"}
    assert all(line["owner"] == "shop/dev" for line in lines)
    monkeypatch.setenv("RECONCILER_LOG", "text")
    shop.run(report_apply)
    assert "> build web" in capsys.readouterr().err
    monkeypatch.setenv("RECONCILER_LOG", "none")
    shop.run(report_apply)
    assert capsys.readouterr().err == ""
