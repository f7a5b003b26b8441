"""Verb ``init``: a small, valid spec folder for this repository. Never overwrites a file."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import yaml

from reconciler.cli.compose_mounts import RESOURCES, convert_resources
from reconciler.cli.compose_read import Compose, ComposeError, find_compose, read_compose
from reconciler.cli.compose_secret import name_of
from reconciler.cli.compose_service import convert_service
from reconciler.cli.envelope import Report, Stop, failure
from reconciler.cli.exits import DONE, ERROR
from reconciler.cli.options import Options
from reconciler.cli.scaffold import (
    Draft,
    JsonObject,
    document,
    draft_dockerfiles,
    draft_example,
    find_dockerfiles,
)
from reconciler.desired import Json
from reconciler.render import escape
from specs.effective import effective
from specs.load import SpecFile, load
from specs.problem import Problem, has_errors

ENVIRONMENT = "dev"
_HEAD = "# Written by `reconciler init`; yours to edit.\n"


def run(options: Options) -> Report:
    """Write the folder and say what was changed or left out. Raises Stop when something is in the way."""
    root = Path(options.repo).resolve()
    folder = root / options.path
    if not root.is_dir():
        raise Stop(ERROR, (failure("INIT001", str(root), "there is no such folder"),))
    if folder.is_dir() and any(folder.rglob("*.y*ml")):
        remedy = "edit what is there, or choose another folder with --path"
        raise Stop(ERROR, (failure("INIT002", options.path, "it holds YAML files already", remedy=remedy),))
    project = name_of(_remote_name(root) or root.name)
    draft = _draft(root, project)
    draft.files["environment.yaml"] = _environment(project, draft)
    for file_name, documents in sorted(draft.files.items()):
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / file_name).open("x") as stream:
            stream.write(_HEAD + render_documents(documents))
    problems = _check(root, options.path, draft)
    written: list[Json] = [f"{options.path}/{file_name}" for file_name in sorted(draft.files)]
    members: JsonObject = {"files": written, "notes": list[Json](draft.notes)}
    return Report(DONE, _text(options.path, draft, root), members, mode="worktree", problems=problems)


def _check(root: Path, path: str, draft: Draft) -> tuple[Problem, ...]:
    """What the language says to the files just written: what is still to be mended by hand."""
    files = [SpecFile(f"{path}/{name}", (root / path / name).read_bytes()) for name in sorted(draft.files)]
    spec_set, problems = load(files, path=path)
    if not has_errors(problems):
        file_paths = [p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()]

        def read_file(path: str) -> bytes | None:
            return (root / path).read_bytes() if path in file_paths else None

        found = effective(spec_set, ENVIRONMENT, file_paths=file_paths, read_file=read_file)
        problems = problems + found[1]
    return tuple(problems)


def render_documents(documents: list[JsonObject]) -> str:
    """Documents as YAML that the front door takes: ambiguous text quoted, keys in the order given."""
    return "---\n".join(
        yaml.safe_dump(part, sort_keys=False, allow_unicode=True, width=100, default_flow_style=False)
        for part in documents
    )


def _draft(root: Path, project: str) -> Draft:
    path = find_compose(root)
    if path is not None:
        try:
            return _draft_compose(read_compose(path), root)
        except ComposeError as error:
            raise Stop(ERROR, (failure("INIT003", path.name, str(error)),)) from error
    dockerfiles = find_dockerfiles(root)
    return draft_dockerfiles(root, project, dockerfiles) if dockerfiles else draft_example()


def _draft_compose(compose: Compose, root: Path) -> Draft:
    draft = Draft()
    for name in compose.variables:
        draft.variables[name] = ""
    for name, service in compose.services.items():
        convert_service(name, service, draft)
    convert_resources(compose, _engine_volumes(), _compose_project(root), draft)
    draft.files[RESOURCES] = _unique(draft.files.get(RESOURCES, []))
    if not draft.files[RESOURCES]:
        del draft.files[RESOURCES]
    return draft


def _unique(documents: list[JsonObject]) -> list[JsonObject]:
    """One document a kind and name: two services may mount one file."""
    by_name = {str((part["kind"], part["metadata"])): part for part in documents}
    return list(by_name.values())


def _environment(project: str, draft: Draft) -> list[JsonObject]:
    spec: JsonObject = {"project": project, "worktree": "allow"}
    if draft.variables:
        spec["variables"] = {name: value or "CHANGE-ME" for name, value in sorted(draft.variables.items())}
        for name in sorted(name for name, value in draft.variables.items() if not value):
            draft.note(f"variable {name} has no value here: write it into environment.yaml")
    if draft.exclude:
        spec["services"] = {"exclude": list[Json](draft.exclude)}
    if draft.allow_host_mounts:
        spec["allow"] = {"host_mounts": list[Json](draft.allow_host_mounts)}
    kinds = [part["kind"] for documents in draft.files.values() for part in documents]
    registry = [document("Registry", "local", {"provider": "local"})] if "Image" in kinds else []
    return [document("Environment", ENVIRONMENT, spec), *registry]


def _text(path: str, draft: Draft, root: Path) -> str:
    lines = [f"wrote {path}/{file_name}" for file_name in sorted(draft.files)]
    lines += [f"note: {escape(note)}" for note in draft.notes]
    is_new, others = not (root / ".git").exists(), _untracked(root, path)
    add = "git init && git add ." if is_new else "git add ." if others else f"git add {path}"
    lines += ["", "next:", f"  {add} && git commit -m 'Describe what runs'"]
    return "\n".join([*lines, f"  reconciler apply {ENVIRONMENT}"]) + "\n"


def _untracked(root: Path, path: str) -> bool:
    """Whether git knows nothing of files beside the specs: an image is built from what is committed."""
    listed = _output(["git", "-C", str(root), "ls-files", "--others", "--exclude-standard"])
    return any(not name.startswith(f"{path}/") for name in listed.splitlines())


def _remote_name(root: Path) -> str | None:
    url = _output(["git", "-C", str(root), "config", "--get", "remote.origin.url"])
    return url.strip().rstrip("/").removesuffix(".git").replace(":", "/").rpartition("/")[2] or None


def _compose_project(root: Path) -> str:
    return "".join(c for c in root.name.lower() if c.isalnum() or c in "_-").lstrip("_-")


def _engine_volumes() -> frozenset[str]:
    """Names of the engine's volumes; none where no engine answers: then nothing of Compose's is there."""
    if not shutil.which("docker"):
        return frozenset()
    return frozenset(_output(["docker", "volume", "ls", "--quiet"]).split())


def _output(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""
