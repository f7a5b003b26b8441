"""Whole commands, from words to exit code, on repositories alone: no engine, no registry."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml

from git_repository import WrittenRepository
from published import hold_to_schema
from reconciler.cli.start import main

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
NEED_NO_OTHER_FILES = sorted(
    p.name for p in EXAMPLES.iterdir() if (p / "specs").is_dir() and p.name != "self"
)
HELLO = (EXAMPLES / "hello/specs/hello.yaml").read_text()


@pytest.fixture(name="nowhere", autouse=True)
def _nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nowhere.sock")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture(name="repository")
def _repository(tmp_path: Path) -> WrittenRepository:
    repository = WrittenRepository(tmp_path / "repository")
    repository.commit({"specs/hello.yaml": HELLO})
    return repository


def as_json(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, object]]:
    code = main([*words, "--json"])
    found = json.loads(capsys.readouterr().out)
    hold_to_schema(found)
    assert found["exit"] == code
    return code, found


@pytest.mark.parametrize("name", NEED_NO_OTHER_FILES)
def test_every_example_is_valid(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(EXAMPLES / name, tmp_path / name)
    repository = WrittenRepository(tmp_path / name)
    assert main(["validate", "--repo", str(repository.path)]) == 0, capsys.readouterr().err
    assert capsys.readouterr().out.startswith("valid: ")
    repository.commit()
    for environment in ("dev", *(["prod"] if name == "settings" else [])):
        assert main(["render", environment, "--repo", str(repository.path)]) == 0


def test_the_specs_by_which_it_runs_itself_are_valid_in_this_repository(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With this repository's own Dockerfile, and the files that it copies."""
    repository = WrittenRepository(tmp_path / "repository")
    for name in ("Dockerfile", ".dockerignore", "requirements.txt", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, repository.path / name)
    shutil.copytree(EXAMPLES / "self", repository.path / "examples/self")
    place = ["--repo", str(repository.path), "--path", "examples/self/specs"]
    assert main(["validate", *place]) == 0, capsys.readouterr().err
    repository.commit()
    capsys.readouterr()
    assert main(["render", "prod", *place]) == 0
    assert 'rollout.order: "start-first"' in capsys.readouterr().out
    run_file = EXAMPLES / "self/run.yaml"
    assert main(["validate", "--config", str(run_file)]) == 0, capsys.readouterr().err
    entry = yaml.safe_load(run_file.read_text())["spec"]["repositories"][0]
    specs = list(yaml.safe_load_all((EXAMPLES / "self/specs/reconciler.yaml").read_text()))
    environment = next(document["spec"] for document in specs if document["kind"] == "Environment")
    assert entry["bounds"]["allow"] == environment["allow"]
    outside = [d["spec"]["name"] for d in specs if d["kind"] == "Volume" and d["spec"].get("external")]
    assert entry["bounds"]["external"] == outside


def test_the_compose_example_converts_to_valid_specs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(EXAMPLES / "from-compose", tmp_path / "shop")
    repository = WrittenRepository(tmp_path / "shop")
    assert main(["init", "--repo", str(repository.path)]) == 0
    captured = capsys.readouterr()
    assert "session-secret" in captured.out
    assert captured.err == ""
    assert main(["validate", "--repo", str(repository.path)]) == 0


def test_every_problem_is_told_with_its_place(
    repository: WrittenRepository, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = HELLO.replace("ports:", "prots:").replace("project: hello", "project: Hello")
    repository.write({"specs/hello.yaml": broken, "specs/more.yaml": "a: [\n"})
    assert main(["validate", "--repo", str(repository.path)]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "specs/hello.yaml:12:3: Service hello" in captured.err
    assert 'did you mean "ports"' in captured.err
    assert "specs/more.yaml" in captured.err
    code, found = as_json(capsys, "validate", "--repo", str(repository.path))
    assert code == 1
    problems = found["problems"]
    assert isinstance(problems, list)
    assert {"code", "severity", "file", "line", "column", "subject", "seen", "expected", "remedy"} == set(
        problems[0]
    )


def test_validate_as_json_counts_documents(
    repository: WrittenRepository, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found = as_json(capsys, "validate", "--repo", str(repository.path))
    assert code == 0
    assert found["schema"] == "reconciler/validate/v1"
    assert found["documents"] == {"Environment": 1, "Service": 1}
    assert (found["mode"], found["owner"], found["commit"]) == ("offline", None, None)


def test_an_unknown_environment_names_the_nearest(
    repository: WrittenRepository, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found = as_json(capsys, "plan", "dve", "--repo", str(repository.path))
    assert code == 1
    assert 'did you mean "dev"' in str(found["problems"])


def test_a_repository_without_a_commit_prints_the_next_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    WrittenRepository(tmp_path / "new")
    assert main(["plan", "dev", "--repo", str(tmp_path / "new")]) == 1
    assert "git commit" in capsys.readouterr().err


def test_a_folder_that_is_no_repository_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", "dev", "--repo", str(tmp_path)]) == 1
    assert "[GIT" in capsys.readouterr().err
    assert main(["validate", "--repo", str(tmp_path / "absent")]) == 1


def test_no_specs_at_all_names_init(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    WrittenRepository(tmp_path / "bare").commit({"README.md": "hello"})
    assert main(["plan", "dev", "--repo", str(tmp_path / "bare")]) == 1
    assert "reconciler init" in capsys.readouterr().err


def test_an_engine_that_cannot_be_reached_is_cannot_tell(
    repository: WrittenRepository, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found = as_json(capsys, "status", "dev", "--repo", str(repository.path))
    assert code == 3
    assert {u["what"] for u in found["unreadable"]} >= {"instances", "markers"}  # type: ignore[attr-defined]
    services = found["services"]
    assert isinstance(services, list)
    assert [s["state"] for s in services] == ["unknown"]


@pytest.mark.parametrize("ref", ["--upload-pack=touch /tmp/x", "-x", "a..b", "HEAD~1", "\x1b[2J", "a" * 5000])
def test_a_hostile_ref_is_refused(
    ref: str, repository: WrittenRepository, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", "dev", "--repo", str(repository.path), f"--ref={ref}"]) == 1
    captured = capsys.readouterr()
    assert "[GIT" in captured.err
    assert "\x1b" not in captured.err


def test_a_hostile_name_is_printed_harmlessly(
    repository: WrittenRepository, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", "\x1b[2Jdev", "--repo", str(repository.path)]) == 1
    assert "\x1b" not in capsys.readouterr().err


def test_render_shows_where_each_value_comes_from(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(EXAMPLES / "settings", tmp_path / "settings")
    repository = WrittenRepository(tmp_path / "settings")
    repository.commit()
    assert main(["render", "prod", "--repo", str(repository.path)]) == 0
    text = capsys.readouterr().out
    assert "deploy.replicas: 2  # patch specs/app.yaml:" in text
    assert 'environment.LOG_LEVEL: "warning"  # variable ${LOG_LEVEL} defaults.env:' in text
    code, found = as_json(capsys, "render", "prod", "--repo", str(repository.path))
    assert code == 0
    assert found["owner"] == {"project": "settings", "environment": "prod"}


def test_the_schema_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert "Service" in str(schema)


def test_a_nested_folder_finds_its_repository(
    repository: WrittenRepository, capsys: pytest.CaptureFixture[str]
) -> None:
    inner = repository.path / "src" / "deep"
    inner.mkdir(parents=True)
    assert main(["render", "dev", "--repo", str(inner)]) == 0
    assert main(["validate", "--repo", str(inner)]) == 0
    assert capsys.readouterr().err == ""
