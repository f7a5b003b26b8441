"""Verb ``lock``: writes into the working tree which digest each reference from outside means."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path

from reconciler.cli.envelope import Report, Stop, failure, problem_of
from reconciler.cli.exits import CANNOT_TELL, DONE, ERROR
from reconciler.cli.images import know_images
from reconciler.cli.options import Options
from reconciler.cli.registries import Registries
from reconciler.cli.source import Source, open_repository, open_source
from reconciler.desired import Json
from reconciler.lockfile import Entry, digests_of, entries_after, lock_text, to_resolve
from reconciler.ownership import Owner
from reconciler.provider import ProviderError, Refused, Registry
from reconciler.render import escape
from reconciler.secrets import SecretStore, secrets_folder
from specs.check_service import is_image_name
from specs.effective import Effective, effective
from specs.lock import LOCK_FILE
from specs.problem import Problem, has_errors
from specs.reference import Digest, ImageRef, InvalidReference
from specs.suggest import did_you_mean

AskRegistry = Callable[[str, ImageRef], Awaitable[Registry]]
"""The client for a reference, as the environment of this name reaches it."""
_PARALLEL = 8


@dataclass(slots=True)
class Wanted:
    """A reference as written: what names it, and the environments that do."""

    text: str
    users: set[str] = field(default_factory=set)
    environments: list[str] = field(default_factory=list)


def run(options: Options) -> Report:
    """Resolve and write. Raises Stop, ProviderError."""
    source = open_source(replace(options, worktree=True))
    return asyncio.run(_run(options, source))


async def _run(options: Options, source: Source) -> Report:
    registries = {name: _registries(name, found) for name, found in effective_specs(source).items()}
    try:
        return await report_lock(options, source, lambda name, ref: registries[name].open(ref))
    finally:
        for opened in registries.values():
            await opened.close()


def effective_specs(source: Source) -> dict[str, Effective]:
    """Every environment of the working tree. Raises Stop."""
    found: dict[str, Effective] = {}
    for name in source.specs.environments:
        specs, problems = effective(
            source.specs,
            name,
            file_paths={file.path for file in source.files},
            read_file=source.read_file,
        )
        if specs is None or has_errors(problems):
            raise Stop(ERROR, (*source.problems, *problems), commit=source.commit)
        found[name] = specs
    return found


def _registries(environment_name: str, found: Effective) -> Registries:
    owner = Owner(found.environment.project, environment_name)
    return Registries(found.registries, SecretStore(owner, secrets_folder(os.environ)))


async def report_lock(options: Options, source: Source, ask: AskRegistry) -> Report:
    """Without ``--partial`` nothing is written when a reference cannot be resolved. What is locked already
    is not asked for: with nothing new, no registry is needed. Raises Stop."""
    wanted, locked = wanted_references(source), source.specs.locks
    renewed = _renewed(options.update, wanted)
    asked = [wanted[text] for text in to_resolve(wanted, locked, renewed)]
    found, problems = await _resolve(asked, ask)
    entries = entries_after(wanted.keys(), locked, found)
    refused = bool(problems) and not options.partial
    text, path = lock_text(digests_of(entries)), f"{source.path}/{LOCK_FILE}"
    result = "refused" if refused else "nothing"
    if not refused and not _is_written(source, path, text, entries):
        write_file(options.repo, path, text)
        result = "written"
    listed: list[Json] = [_entry_json(entry, wanted) for entry in entries]
    return Report(
        exit=(CANNOT_TELL if options.partial else ERROR) if problems else DONE,
        text=_text(path, result, entries),
        members={"result": result, "path": path, "entries": listed},
        mode="worktree",
        commit=source.commit,
        problems=(*source.problems, *problems),
    )


def wanted_references(source: Source) -> dict[str, Wanted]:
    """Every reference without a digest that a service runs or an image is built on, in any environment."""
    wanted: dict[str, Wanted] = {}
    for environment_name, found in effective_specs(source).items():
        owner = Owner(found.environment.project, environment_name)
        for text, user in _named(owner, found, source):
            entry = wanted.setdefault(text, Wanted(text))
            entry.users.add(user)
            entry.environments.append(environment_name)
    return wanted


def _named(owner: Owner, found: Effective, source: Source) -> Iterator[tuple[str, str]]:
    for name, service in found.services.items():
        if not is_image_name(service.image) and _floats(service.image):
            yield service.image, f"Service {name}"
    for name, known in know_images(owner, source.tree, found, {}).items():
        yield from ((base, f"Image {name}") for base in known.inputs.bases if _floats(base))


def _floats(text: str) -> bool:
    try:
        return ImageRef.parse(text).digest is None
    except InvalidReference:
        return False  # an image's problem, which validate tells


def _renewed(names: Collection[str], wanted: Mapping[str, Wanted]) -> set[str]:
    """What ``--update`` names: a reference, its name without the tag, a pattern, a Service or an Image."""
    renewed: set[str] = set()
    for name in names:
        chosen = {text for text, entry in wanted.items() if _is_meant(name, entry)}
        if not chosen:
            seen, hint = f"nothing here runs or is built on {name}", did_you_mean(name, wanted)
            problem = failure("CLI030", "--update", seen, remedy=hint)
            raise Stop(ERROR, (problem,))
        renewed |= chosen
    return renewed


def _is_meant(name: str, entry: Wanted) -> bool:
    ref = ImageRef.parse(entry.text)
    users = {user.partition(" ")[2] for user in entry.users}
    return name in {entry.text, ref.name, ref.familiar_name, *users} or fnmatchcase(entry.text, name)


async def _resolve(
    asked: Iterable[Wanted], ask: AskRegistry
) -> tuple[dict[str, Digest | None], list[Problem]]:
    limit, problems = asyncio.Semaphore(_PARALLEL), list[Problem]()

    async def one(entry: Wanted) -> Digest | None:
        async with limit:
            try:
                return await _digest(entry, ask)
            except ProviderError as error:
                problems.append(problem_of(error))
                return None

    entries = list(asked)
    digests = await asyncio.gather(*map(one, entries))
    return {entry.text: digest for entry, digest in zip(entries, digests, strict=True)}, sorted(
        problems, key=str
    )


async def _digest(entry: Wanted, ask: AskRegistry) -> Digest:
    ref = ImageRef.parse(entry.text)
    ref = ref if ref.tag else ref.with_tag("latest")
    registry = await ask(entry.environments[0], ref)
    digest = await registry.digest(ref)
    if digest is None:
        users = ", ".join(sorted(entry.users))
        remedy = "correct the reference, or push the image"
        raise Refused("SRC004", users, f"its registry has no image {entry.text}", "an image", remedy)
    return digest


def _is_written(source: Source, path: str, text: str, entries: Collection[Entry]) -> bool:
    """Whether the file says exactly this already. Without an entry there need not be a file."""
    files = [file for file in source.files if file.path == path]
    if not files:
        return not entries
    return source.tree.read(files)[path] == text.encode()


def write_file(repo: str, path: str, text: str) -> None:
    """Replace a file of the working tree at once: a reader sees the old text or the new. Raises Stop where
    a link would lead the write elsewhere."""
    root = open_repository(repo).root or Path(repo).resolve()
    target = root / path
    if target.is_symlink() or target.parent.resolve() != root.resolve() / Path(path).parent:
        remedy = "put a folder and a file there"
        raise Stop(ERROR, (failure("CLI031", path, "a symbolic link is in the way", remedy=remedy),))
    draft = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with draft.open("w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(target)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise Stop(ERROR, (failure("CLI031", path, f"it cannot be written: {reason}"),)) from None
    finally:
        draft.unlink(missing_ok=True)


def _entry_json(entry: Entry, wanted: Mapping[str, Wanted]) -> Json:
    users = sorted(wanted[entry.reference].users) if entry.reference in wanted else []
    return {
        "reference": entry.reference,
        "digest": entry.digest,
        "before": entry.before,
        "result": entry.fate,
        "users": list[Json](users),
    }


def _text(path: str, result: str, entries: Collection[Entry]) -> str:
    lines = [
        f"{entry.fate} {escape(entry.reference)}" + (f" {entry.digest}" if entry.fate != "removed" else "")
        for entry in entries
        if entry.fate in ("added", "updated", "removed")
    ]
    if result == "refused":
        return "nothing was written: every reference must resolve, or say --partial\n"
    if result == "nothing":
        return f"{path} is up to date: {len(entries)} locked\n" if entries else "nothing to lock\n"
    return "\n".join([*lines, "", "next:", f"  git add {path} && git commit -m 'Lock images'"]) + "\n"
