"""No text from outside is a command to the build service in whose log it ends up."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest

from git_repository import WrittenRepository
from lone_instances import lone_instance
from reconciler import log
from reconciler.actions import RemoveNetwork
from reconciler.cli.envelope import dump
from reconciler.cli.log_printer import Printer
from reconciler.cli.options import Options
from reconciler.cli.start import main
from reconciler.decision import Block, Outcome
from reconciler.desired import Subject
from reconciler.dialogue import LogRecord
from reconciler.difference import Cause
from reconciler.evidence import Evidence
from reconciler.observed import Handle, Health
from reconciler.render import Style, harmless
from reconciler.render_apply import render_evidence, render_outcome
from reconciler.render_plan import render_block

COMMANDS = (
    "::error file=a::b",
    "  ::set-output name=a::b",
    "\r\n::add-mask::x",
    "x\n\t::stop-commands::y",
    "##[error]x",
    "a ##vso[task.setvariable variable=a]b",
    "##teamcity[buildStop comment='x']",
    "\x1b[0Ksection_start:1:x[collapsed=true]\r\x1b[0K",
    "\x1b[31mred",
)
_WEB = lone_instance(
    handle=Handle("here", "c1"),
    name="shop_dev_web_0a1b2c3d_1",
    input="web:1",
    health=Health.HEALTHY,
    created_at=1.0,
    started_at=None,
)
_OBEYED = re.compile(r"^\s*::[A-Za-z]|##\w*\[|\x1b|[\r\x85\u2028]", re.MULTILINE)


@pytest.mark.parametrize("word", COMMANDS)
def test_no_message_is_obeyed(word: str) -> None:
    removal = RemoveNetwork(Subject("Network", word), Cause("prune", (word,)), Handle("here", "n"))
    failed = Outcome(removal, "failed", 1.0, word, log_tail=(word,))
    lines = [*render_outcome(failed), *render_block(Block(Subject("Service", "a"), "X", word, word), Style())]
    lines += render_evidence(Evidence("a", word, 1, False, word, (word,), (word,)))
    assert lines
    assert not _OBEYED.search("\n".join(lines))
    printed = dump({"a": word, word: [word]})
    assert not _OBEYED.search(printed)
    assert json.loads(printed) == {"a": word, word: [word]}


@pytest.mark.parametrize("word", [word for word in COMMANDS if word.isprintable()])
def test_what_is_joined_to_a_line_is_looked_at_once_more(word: str) -> None:
    assert not _OBEYED.search(harmless(f"one\n{word}\n"))
    assert harmless("a::b\n::1 and http://x\n") == "a::b\n::1 and http://x\n"


@pytest.mark.parametrize("word", COMMANDS)
def test_a_job_that_reads_logs_obeys_no_container(word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    record = LogRecord(1, "stdout", word)
    for variable, is_raw in (("", True), ("true", False)):
        monkeypatch.setenv("CI", variable)
        stream = io.StringIO()
        Printer(Options("logs"), Style(), {}, stream).show(_WEB, record)
        assert (word in stream.getvalue()) is is_raw
        assert is_raw or not _OBEYED.search(stream.getvalue())


def test_a_log_line_is_not_obeyed(capsys: pytest.CaptureFixture[str]) -> None:
    import structlog

    log.configure(as_json=True)
    structlog.get_logger().info("held", log=list(COMMANDS))
    line = capsys.readouterr().err
    assert not _OBEYED.search(line)
    assert json.loads(line)["log"] == list(COMMANDS)


def test_a_files_name_is_not_obeyed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {
        "specs/::error::x.yaml": "a: [\n",
        "specs/##[error]y.yaml": "b\n",
        "specs/z.yaml": '"::warning::x": 1\n',
    }
    WrittenRepository(tmp_path).commit(dict(files))
    for form in ((), ("--json",), ("--sarif",), ("--junit",)):
        assert main(["validate", "--repo", str(tmp_path), *form]) == 1
        captured = capsys.readouterr()
        assert "z.yaml" in captured.out + captured.err
        assert not _OBEYED.search(captured.out + captured.err)
