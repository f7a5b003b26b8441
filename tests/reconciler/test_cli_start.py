from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.cli.arguments import VERBS, parse_arguments
from reconciler.cli.exits import worst
from reconciler.cli.start import main

ROOT = Path(__file__).resolve().parents[2]


def run(*words: str, cwd: Path | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "reconciler", *words]
    return subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("aply", "dev"),
        ("plan",),
        ("plan", "dev", "--nonsense"),
        ("plan", "dev", "--json", "--markdown"),
        ("drift", "dev", "--sarif", "--junit"),
        ("validate", "--json", "--sarif"),
        ("validate", "--markdown"),
        ("status", "dev", "--junit"),
        ("apply", "dev", "--timeout", "soon"),
        ("why", "dev"),
        ("drift", "dev", "extra"),
        ("plan", "dev", "--js"),
        ("exec", "dev", "web", "ls"),
        ("exec", "dev", "web", "--"),
        ("task", "dev", "--", "ls"),
        ("task", "dev", "web", "--json", "--", "ls"),
        ("logs", "dev", "--tail", "-1"),
        ("logs", "dev", "--since", "yesterday"),
        ("logs", "dev", "--", "web", "ls"),
    ],
)
def test_wrong_usage_is_64(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    try:
        code = main(words)
    except SystemExit as stop:
        code = int(str(stop.code))
    assert code == 64
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "reconciler" in captured.err


def test_the_nearest_verb_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse_arguments(["aply", "dev"])
    assert "did you mean 'apply'?" in capsys.readouterr().err


def test_a_hostile_verb_is_printed_harmlessly(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse_arguments(["\x1b[2J"])
    assert "\x1b" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("codes", "wins"),
    [((), 0), ((0, 3), 3), ((3, 2), 2), ((2, 5), 5), ((5, 4), 4), ((4, 1), 1), ((1, 64), 64), ((0, 0), 0)],
)
def test_the_worst_code_wins(codes: tuple[int, ...], wins: int) -> None:
    assert worst(codes) == wins


def test_options_are_read_for_every_verb() -> None:
    for verb in VERBS:
        words = [verb]
        if verb not in {"init", "validate", "schema", "explain", "lock", "authorized-keys", "post"}:
            words.append("dev")
        words += ["--config", "run.yaml"] if verb == "authorized-keys" else []
        if verb in {"why", "exec", "task", "rollout"}:
            words.append("web")
        words += ["comment", "dev.json"] if verb == "post" else []
        words += ["prod"] if verb == "promote" else []
        words += ["--next"] if verb == "rollout" else []
        words += ["--reason", "why"] if verb == "suspend" else []
        words += ["--", "ls", "--json"] if verb in {"exec", "task"} else []
        assert parse_arguments(words).verb == verb
    options = parse_arguments(["apply", "dev", "--timeout", "2m", "--service", "a", "--service", "b"])
    assert (options.timeout, options.services, options.environment) == (120.0, ("a", "b"), "dev")


def test_the_words_after_two_dashes_are_the_commands_own() -> None:
    words = ["exec", "dev", "--user", "1000", "web", "-T", "--", "git", "log", "--", "--json", "-h"]
    options = parse_arguments(words)
    assert options.command == ("git", "log", "--", "--json", "-h")
    assert (options.service, options.user, options.no_tty, options.as_json) == ("web", "1000", True, False)
    options = parse_arguments(["task", "dev", "web", "--timeout", "2m", "--", "sh"])
    assert (options.deadline, options.command) == (120.0, ("sh",))
    options = parse_arguments(["logs", "dev", "web", "-f", "-n", "5", "--since", "10m", "--instance", "2"])
    assert (options.follow, options.tail, options.since, options.instance) == (True, 5, "10m", 2)


def test_help_and_version_end_with_0() -> None:
    for words in (["--version"], ["--help"], ["plan", "--help"], ["exec", "--help"]):
        done = run(*words)
        assert done.returncode == 0
        assert done.stdout


def test_a_foreign_package_of_our_name_stops_the_start(tmp_path: Path) -> None:
    intruder = tmp_path / "specs"
    intruder.mkdir()
    (intruder / "__init__.py").write_text("")
    script = "import specs, sys; from reconciler.cli.start import main; sys.exit(main(['--version']))"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(ROOT)!r}]; {script}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert str(intruder) in done.stderr
    assert "'specs'" in done.stderr


def test_a_folder_named_specs_in_the_repository_is_no_package(tmp_path: Path) -> None:
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "__init__.py").write_text("raise SystemExit(99)")
    assert run("--version", cwd=tmp_path).returncode == 0


def test_a_command_that_only_parses_imports_little() -> None:
    script = (
        "import sys\n"
        "from reconciler.cli.start import main\n"
        "try: main(['--version'])\n"
        "except SystemExit: pass\n"
        "heavy = ('pydantic', 'yaml', 'aiohttp', 'git', 'structlog', 'asyncio')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_reader_that_left_is_no_error(tmp_path: Path) -> None:
    command = f"{sys.executable} -m reconciler --help | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "0"
    assert "Traceback" not in done.stderr
