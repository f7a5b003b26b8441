"""Runs the shipped templates: their own shell lines, with what a runner gives them, and nothing of a forge's.

Of GitHub Actions it knows ``run``, the actions that the templates use, and expressions, whose values the test
gives; of GitLab CI the lines of a job.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
_PINNED = re.compile(r"actions/(checkout|upload-artifact|download-artifact)@[0-9a-f]{40}")


def load(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text())


def _evaluate(expression: str, known: Mapping[str, str]) -> str:
    """Raises KeyError for what the test has not given; of alternatives the first that is there."""
    parts = expression.split(" || ")
    if len(parts) == 1 and not expression.startswith("steps."):
        return known[expression]
    return next((known[part] for part in parts if known.get(part)), "")


@dataclass
class Runner:
    """One machine that runs jobs. ``given``: expression -> value; ``variables``: what a job finds in its
    environment; ``origin``: the repository that is checked out."""

    folder: Path
    origin: Path
    given: Mapping[str, str]
    variables: Mapping[str, str]
    edits: Mapping[str, str] = field(default_factory=dict)
    """What a user writes in another way in their copy of a template."""
    said: str = ""
    code: int = 0
    outputs: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.work, self.temp, self.artifacts = (self.folder / n for n in ("work", "temp", "artifacts"))
        for folder in (self.work, self.temp, self.artifacts):
            folder.mkdir(parents=True, exist_ok=True)

    # --- GitHub Actions ----------------------------------------------------------------------------------

    def job(self, path: str, name: str) -> int:
        """The job's exit code: that of the first step that failed. What it said is in ``said``."""
        text = (ROOT / path).read_text()
        for before, after in self.edits.items():
            assert before in text
            text = text.replace(before, after)
        job = yaml.safe_load(text)["jobs"][name]
        self.code, self.said, self.outputs = 0, "", {}
        for step in job["steps"]:
            self._step(step, self.given)
        return self.code

    def _step(self, step: Mapping[str, Any], values: Mapping[str, str]) -> None:
        wanted = str(step.get("if", "success()"))
        if (self.code and "always()" not in wanted) or not self._is_wanted(wanted, values):
            return
        if "run" in step:
            self._shell(step, values)
        elif step["uses"] == "./.github/actions/reconciler":
            self._action(step.get("with", {}), values)
        else:
            match = _PINNED.fullmatch(step["uses"])
            assert match, f"{step['uses']} is not pinned, or is new here"
            words = {key: self._value(value, values) for key, value in step.get("with", {}).items()}
            getattr(self, f"_{match[1].replace('-', '_')}")(words)

    def _is_wanted(self, wanted: str, values: Mapping[str, str]) -> bool:
        for part in (part.strip() for part in wanted.split("&&")):
            if match := re.fullmatch(r"(\S+) != ''", part):
                if not self._value(f"${{{{ {match[1]} }}}}", values):
                    return False
            else:
                assert part in ("always()", "success()"), part
        return True

    def _action(self, words: Mapping[str, Any], values: Mapping[str, str]) -> None:
        action = load(".github/actions/reconciler/action.yml")
        unknown = set(words) - set(action["inputs"])
        assert not unknown, unknown
        inputs = {name: str(known.get("default", "")) for name, known in action["inputs"].items()}
        inputs |= {name: self._value(value, values) for name, value in words.items()}
        inner = {**values, **{f"inputs.{name}": value for name, value in inputs.items()}}
        for step in action["runs"]["steps"]:
            self._step(step, inner)

    def _value(self, value: Any, values: Mapping[str, str]) -> str:
        known = {"runner.temp": str(self.temp), **values, **self.outputs}
        text = str(value).lower() if isinstance(value, bool) else str(value)
        return _EXPRESSION.sub(lambda match: _evaluate(match[1], known), text)

    def _shell(self, step: Mapping[str, Any], values: Mapping[str, str]) -> None:
        assert "${{" not in step["run"], "an expression in a script is a way in"
        names = ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_PATH")
        files = {name: self.folder / name.lower() for name in names}
        for path in files.values():
            path.touch()
        files["GITHUB_OUTPUT"].write_text("")
        own = {name: self._value(value, values) for name, value in step.get("env", {}).items()}
        paths = {name: str(path) for name, path in files.items()}
        code = self.shell(step["run"], {**paths, "RUNNER_TEMP": str(self.temp), **own})
        self.code = self.code or code
        if "id" in step:
            lines = files["GITHUB_OUTPUT"].read_text().splitlines()
            # A composite action gives its steps' outputs on as its own; here both go by the verb's name.
            found = dict(line.split("=", 1) for line in lines)
            name = own.get("COMMAND", step["id"])
            self.outputs |= {f"steps.{name}.outputs.{key}": value for key, value in found.items()}

    def _checkout(self, words: Mapping[str, str]) -> None:
        shutil.rmtree(self.work)
        git = ["git", "-c", "protocol.file.allow=always", "-c", "advice.detachedHead=false"]
        subprocess.run([*git, "clone", "-q", f"file://{self.origin}", str(self.work)], check=True)
        if "ref" in words:
            subprocess.run([*git, "checkout", "-q", words["ref"]], cwd=self.work, check=True)

    def _upload_artifact(self, words: Mapping[str, str]) -> None:
        if words["path"]:
            shutil.copytree(words["path"], self.artifacts / words["name"], dirs_exist_ok=True)

    def _download_artifact(self, words: Mapping[str, str]) -> None:
        shutil.copytree(self.artifacts / words["name"], words["path"], dirs_exist_ok=True)

    # --- both --------------------------------------------------------------------------------------------

    def script(self, path: str, name: str) -> int:
        """A job of GitLab CI: its lines, one after another, in one shell."""
        pipeline = load(path)
        job = {**pipeline.get(pipeline[name].get("extends"), {}), **pipeline[name]}
        lines = [*job.get("before_script", ()), *job["script"]]
        declared = {key: str(value) for key, value in pipeline["variables"].items()}
        return self.shell("\n".join(lines), declared)

    def shell(self, text: str, more: Mapping[str, str]) -> int:
        """Run it as runners do. Nothing of this machine's own environment goes in."""
        tools = Path(sys.executable).parent
        environment = {
            **self.variables,
            "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.folder),
            "GIT_CONFIG_NOSYSTEM": "1",
            **more,
        }
        line = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", text]
        done = subprocess.run(
            line, cwd=self.work, env=environment, capture_output=True, text=True, timeout=120
        )
        self.said += done.stdout + done.stderr
        return done.returncode
