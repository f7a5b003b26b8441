"""Verb ``init``: a small, valid spec folder for this repository. Never overwrites a file."""

from __future__ import annotations

import os
import re
from pathlib import Path

import yaml

from reconciler.cli.compose_engine import ask_engine
from reconciler.cli.compose_files import RepositoryFiles
from reconciler.cli.envelope import Report, Stop, failure
from reconciler.cli.exits import DONE, ERROR
from reconciler.cli.import_secrets import import_secrets
from reconciler.cli.next_steps import ask_git, describe, exposed_notes
from reconciler.cli.options import Options
from reconciler.cli.scaffold import draft_dockerfiles, draft_example, find_dockerfiles
from reconciler.compose.convert import convert_project
from reconciler.compose.draft import Draft, document
from reconciler.compose.passwords import name_of
from reconciler.compose.places import EngineFacts
from reconciler.compose.project import Project, project_name, read_project
from reconciler.compose.tree import ComposeError, JsonObject, text_of
from reconciler.desired import Json
from reconciler.ownership import Owner
from specs.effective import effective
from specs.json_schema import SCHEMA_FILE
from specs.load import SpecFile, load
from specs.problem import Problem, has_errors

ENVIRONMENT = "dev"
_SCHEMA = ".schema.json"
_HEAD = f"# yaml-language-server: $schema={_SCHEMA}\n# Written by `reconciler init`; yours to edit.\n"


def run(options: Options) -> Report:
    """Write the folder and say what was changed or left out. Raises Stop when something is in the way."""
    root = Path(options.repo).resolve()
    folder = root / options.path
    if not root.is_dir():
        raise Stop(ERROR, (failure("INIT001", str(root), "there is no such folder"),))
    owner = Owner(name_of(_remote_name(root) or root.name), ENVIRONMENT)
    if options.secrets is not None:
        draft, _ = _draft(root, owner, options.files)
        return import_secrets(root, Path(options.secrets), _owner_there(folder, owner), draft.secrets)
    if folder.is_dir() and any(folder.rglob("*.y*ml")):
        remedy = "edit what is there, or choose another folder with --path"
        raise Stop(ERROR, (failure("INIT002", options.path, "it holds YAML files already", remedy=remedy),))
    draft, facts = _draft(root, owner, options.files)
    exposed_notes(draft, root)
    draft.files["environment.yaml"] = environment_documents(owner.project, draft)
    for file_name, documents in sorted(draft.files.items()):
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / file_name).open("x") as stream:
            stream.write(_HEAD + render_documents(documents))
    if not (folder / _SCHEMA).exists():
        (folder / _SCHEMA).write_bytes(SCHEMA_FILE.read_bytes())
    files = [SpecFile(f"{options.path}/{name}", (folder / name).read_bytes()) for name in sorted(draft.files)]
    problems = check_documents(files, options.path, RepositoryFiles(root))
    written: list[Json] = [f"{options.path}/{file_name}" for file_name in sorted(draft.files)]
    members: JsonObject = {
        "files": written,
        "notes": [str(note) for note in draft.notes],
        "remarks": [{"topic": n.topic, "subject": n.subject or None, "text": n.text} for n in draft.notes],
        "secrets": list[Json](sorted(draft.secrets)),
        "adopt": [{"service": name_of(name), "container": live} for name, live in facts.containers],
    }
    lines = describe(draft, facts, options, root)
    text = "\n".join(lines) + "\n"
    return Report(DONE, text, members, mode="worktree", problems=problems)


def check_documents(files: list[SpecFile], path: str, sources: RepositoryFiles) -> tuple[Problem, ...]:
    """What the language says to the files just written: what is still to be mended by hand."""
    spec_set, problems = load(files, path=path)
    if not has_errors(problems):
        found = effective(spec_set, ENVIRONMENT, file_paths=sources.kept(), read_file=sources.read)
        problems = problems + found[1]
    return tuple(problems)


def render_documents(documents: list[JsonObject]) -> str:
    """Documents as YAML that the front door takes: ambiguous text quoted, keys in the order given."""
    return "---\n".join(
        yaml.dump(
            part, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100, default_flow_style=False
        )
        for part in documents
    )


class _Dumper(yaml.SafeDumper):
    """Writes the same part twice rather than an anchor, which the language refuses."""

    def ignore_aliases(self, data: object) -> bool:
        return True


_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./-]+)*")
_AMBIGUOUS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"}


def _write_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    """Text in quotes wherever some reader of YAML would take it for something else."""
    is_plain = bool(_PLAIN.fullmatch(text)) and text.lower() not in _AMBIGUOUS
    style = None if is_plain else "|" if "\n" in text else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _write_text)


def _draft(root: Path, owner: Owner, paths: tuple[str, ...]) -> tuple[Draft, EngineFacts]:
    files = RepositoryFiles(root)
    try:
        project = read_project(files, root.name, tuple(_below(root, path) for path in paths))
        if project is not None:
            facts = ask_engine(project.name, _references(project))
            return convert_project(project, files, facts, owner), facts
    except ComposeError as error:
        raise Stop(ERROR, (failure("INIT003", "Compose file", str(error)),)) from error
    dockerfiles = find_dockerfiles(root)
    draft = draft_dockerfiles(root, owner.project, dockerfiles) if dockerfiles else draft_example()
    return draft, EngineFacts()


def _below(root: Path, path: str) -> str:
    """A path of ``--file`` from the repository's root, as far as it lies below."""
    return os.path.relpath(path, root) if os.path.isabs(path) else path


def _references(project: Project) -> list[str]:
    images = [
        project.marks.value(text_of(s.get("image"))) for s in project.services.values() if not s.get("build")
    ]
    return [image for image in images if image and not image.startswith("-")]


def environment_documents(project: str, draft: Draft) -> list[JsonObject]:
    """The Environment, and the local Registry where something is built."""
    spec: JsonObject = {"project": project, "worktree": "allow"}
    if draft.variables:
        spec["variables"] = dict[str, Json](sorted(draft.variables.items()))
    if draft.exclude:
        spec["services"] = {"exclude": list[Json](draft.exclude)}
    if draft.allow:
        spec["allow"] = draft.allow
    kinds = [part["kind"] for documents in draft.files.values() for part in documents]
    registry = [document("Registry", "local", {"provider": "local"})] if "Image" in kinds else []
    return [document("Environment", ENVIRONMENT, spec), *registry]


def _owner_there(folder: Path, owner: Owner) -> Owner:
    """The owner that the written Environment names: its project may have been renamed since."""
    path = folder / "environment.yaml"
    if not path.is_file():
        return owner
    spec_set, _ = load([SpecFile("specs/environment.yaml", path.read_bytes())])
    found = spec_set.environments.get(ENVIRONMENT)
    return Owner(found.project, ENVIRONMENT) if found else owner


def _remote_name(root: Path) -> str | None:
    url = ask_git(["git", "-C", str(root), "config", "--get", "remote.origin.url"])
    return url.strip().rstrip("/").removesuffix(".git").replace(":", "/").rpartition("/")[2] or None


__all__ = ["check_documents", "environment_documents", "project_name", "render_documents", "run"]
