"""The offline plan of an environment that follows another: what comes at merge, and what on promotion."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from git_repository import WrittenRepository
from published import hold_to_schema
from reconciler.cli.start import main

SPECS = """\
apiVersion: reconciler/v1
kind: Environment
metadata: {name: dev}
spec: {project: shop}
---
apiVersion: reconciler/v1
kind: Environment
metadata: {name: prod}
spec:
  project: shop
  follows: dev
  patches:
    - {kind: Service, name: web, spec: {environment: {PLACE: prod}}}
"""
WEB = """\
apiVersion: reconciler/v1
kind: Service
metadata: {name: web}
spec: {image: "busybox:1.36", environment: {LEVEL: info}}
"""
DIGEST = f"sha256:{'1' * 64}"


@dataclass
class Change:
    """A branch of a repository whose prod has pinned web at its first commit."""

    repository: WrittenRepository
    pinned: str
    capsys: pytest.CaptureFixture[str]

    def plan(self, folder: Path | None = None) -> tuple[int, dict[str, Any], str]:
        words = [
            "plan",
            "prod",
            "--base",
            "main",
            "--exit-code",
            "--repo",
            str(folder or self.repository.path),
        ]
        code = main([*words, "--json"])
        found = json.loads(self.capsys.readouterr().out)
        hold_to_schema(found)
        assert main(words) == code
        return code, found, self.capsys.readouterr().out


def release(commit: str, digest: str = DIGEST) -> str:
    return f"""\
apiVersion: reconciler/v1
kind: Release
metadata: {{name: prod}}
spec:
  services:
    web:
      serial: 1
      commit: "{commit}"
      images: {{"busybox:1.36": {{reference: "busybox:1.36", digest: "{digest}"}}}}
"""


@pytest.fixture(name="change")
def _change(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Change:
    repository = WrittenRepository(tmp_path / "repository")
    pinned = repository.commit({"specs/environments.yaml": SPECS, "specs/web.yaml": WEB})
    repository.commit({"specs/releases/prod.yaml": release(pinned)})
    repository.git("checkout", "-q", "-b", "change")
    return Change(repository, pinned, capsys)


def verbs(plan: dict[str, Any]) -> list[str]:
    return [action["verb"] for step in plan["forecast"] for action in step["actions"]]


def test_a_change_of_a_service_comes_on_promotion_and_not_at_merge(change: Change) -> None:
    change.repository.commit({"specs/web.yaml": WEB.replace("info", "debug")})
    code, found, text = change.plan()
    assert (code, found["actions"], found["settled"]) == (0, [], True)
    then = found["on_promotion"]
    assert {"create", "retire"} <= set(verbs(then))
    assert "build" not in verbs(then)
    _, _, promoted = text.partition("when all is promoted as ")
    assert 'environment.LEVEL: "info" -> "debug"' in promoted
    assert main(["plan", "prod", "--base", "main", "--repo", str(change.repository.path), "--markdown"]) == 0
    assert "1 change when all of it is promoted" in change.capsys.readouterr().out


def test_a_promotion_comes_at_merge(change: Change) -> None:
    newer = change.repository.commit({"specs/web.yaml": WEB.replace("info", "debug")})
    change.repository.git("checkout", "-q", "main")
    change.repository.git("merge", "-q", "change")
    change.repository.git("checkout", "-q", "-B", "change")
    change.repository.commit({"specs/releases/prod.yaml": release(newer, f"sha256:{'2' * 64}")})
    code, found, _ = change.plan()
    assert code == 2
    assert {"create", "retire"} <= set(verbs(found))
    paths = {d["path"] for s in found["forecast"] for a in s["actions"] for d in a["cause"]["diffs"]}
    assert paths == {"environment.LEVEL", "image"}
    assert verbs(found["on_promotion"]) == []


def test_a_patch_comes_at_merge_and_one_beside_its_document_is_told(change: Change) -> None:
    edited = SPECS.replace("PLACE: prod", "PLACE: elsewhere")
    change.repository.commit({"specs/environments.yaml": edited})
    code, found, _ = change.plan()
    assert (code, [problem["code"] for problem in found["problems"]]) == (2, [])
    assert {"create", "retire"} <= set(verbs(found))
    change.repository.commit({"specs/web.yaml": f"# only a comment\n{WEB}"})
    assert change.plan()[1]["problems"] == []
    change.repository.commit({"specs/web.yaml": WEB.replace("info", "debug")})
    code, found, _ = change.plan()
    assert (code, [problem["code"] for problem in found["problems"]]) == (2, ["CLI105"])


def test_what_is_not_promoted_is_left_and_a_pin_that_a_clone_lacks_cannot_be_told(
    change: Change, tmp_path: Path
) -> None:
    change.repository.git("checkout", "-q", "main")
    change.repository.commit({"README.md": "one more\n"})
    change.repository.git("checkout", "-q", "-B", "change")
    more = WEB.replace("name: web", "name: api")
    change.repository.commit({"specs/api.yaml": more})
    code, found, text = change.plan()
    assert code == 0
    assert "not promoted: reconciler promote dev prod" in text
    assert "create" in verbs(found["on_promotion"])
    url = f"file://{change.repository.path}"
    folder = tmp_path / "shallow"
    words = ["clone", "-q", "--depth=2", "--no-single-branch", "--branch=change", url, str(folder)]
    change.repository.git(*words)
    code, found, text = change.plan(folder)
    assert code == 3
    assert "cannot tell (service:web)" in text
    assert [entry["what"] for entry in found["unreadable"]] == ["service:web"]
    assert "git fetch" in found["unreadable"][0]["reason"]
