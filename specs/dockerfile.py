"""What decides an image in its Dockerfile: stages, declared arguments, and the images that it builds on.

Semantics: the Dockerfile reference, as BuildKit reads it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from specs.dockerfile_scope import Scope
from specs.expansion import Undetermined
from specs.instruction import Instruction, InvalidDockerfile, Script, Word, read_script
from specs.reference import ImageRef, InvalidReference

_MOUNT_FROM = re.compile(r"""--mount=(?:[^\n]*,)?["']*from=([^,"']*)""", re.IGNORECASE)
_REMOTE = re.compile(r"(?:https?|ssh|git)://|git@", re.IGNORECASE)
_PINNED_COMMIT = re.compile(r"#(?:[0-9a-f]{40}|[0-9a-f]{64})(?::|$)")


@dataclass(frozen=True, slots=True)
class BaseUse:
    """A place that names an image: the reference's value, its line, the bytes ``[start, end)`` it fills.

    The name of an additional context counts as a reference.
    """

    reference: str
    line: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong in one line of a Dockerfile."""

    line: int
    code: str
    seen: str
    expected: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """A read Dockerfile. ``stages`` are names in order, empty for one without; ``args`` are all names that
    an ARG declares anywhere."""

    stages: tuple[str, ...]
    args: frozenset[str]
    bases: tuple[BaseUse, ...]
    faults: tuple[Fault, ...] = ()

    @property
    def references(self) -> tuple[str, ...]:
        """The references that it builds on, each once, in order of first use."""
        return tuple(dict.fromkeys(use.reference for use in self.bases))

    def has_target(self, target: str) -> bool:
        """Whether ``target`` names a stage, by its name or number."""
        return target.lower() in self.stages or (target.isdecimal() and int(target) < len(self.stages))


def read_dockerfile(
    dockerfile: bytes,
    args: Mapping[str, str],
    platforms: Sequence[str] = (),
    contexts: Sequence[str] = (),
) -> Dockerfile:
    """Read a Dockerfile under these build arguments, target platforms and names of additional contexts."""
    try:
        script = read_script(dockerfile)
    except InvalidDockerfile as error:
        fault = Fault(error.line, "IMG002", error.seen, "a Dockerfile", "correct the Dockerfile")
        return Dockerfile((), frozenset(), (), (fault,))
    return _Reading(script, Scope(args, script.escape), platforms, frozenset(contexts)).result()


def pin(dockerfile: bytes, uses: Sequence[BaseUse], digests: Mapping[str, ImageRef]) -> bytes:
    """The same bytes with every use of a reference in ``digests`` replaced by what it maps to."""
    pinned = dockerfile
    for use in sorted(uses, key=lambda use: use.start, reverse=True):
        if use.reference in digests:
            pinned = pinned[: use.start] + str(digests[use.reference]).encode() + pinned[use.end :]
    return pinned


@dataclass(slots=True)
class _Reading:
    """One walk through the instructions."""

    script: Script
    scope: Scope
    platforms: Sequence[str]
    contexts: frozenset[str]
    stages: list[str] = field(default_factory=list)
    uses: list[BaseUse] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def result(self) -> Dockerfile:
        if self.script.syntax:
            self._use(self.script.syntax, self.script.syntax.text, 1)
        for instruction in self.script.instructions:
            self._read(instruction)
        if not self.stages:
            self._fault(1, "IMG002", "no FROM", "at least one stage", "begin the Dockerfile with FROM")
        args = frozenset(self.scope.declared)
        return Dockerfile(tuple(self.stages), args, tuple(self.uses), tuple(self.faults))

    def _read(self, instruction: Instruction) -> None:
        match instruction.name:
            case "FROM":
                self._from(instruction)
            case "ARG":
                for word in instruction.words:
                    self.scope.declare(_text(word))
            case "ENV":
                for name, text in _assignments(instruction):
                    self.scope.assign(name, text)
            case "COPY" | "RUN":
                for flag in instruction.flags:
                    self._flag(instruction, flag)
            case "ADD":
                self._add(instruction)
            case _:
                pass  # nothing else names an image or a value that an image's name can use

    def _from(self, instruction: Instruction) -> None:
        words, line = instruction.words, instruction.line
        named = len(words) == 3 and words[1].text.upper() == "AS"
        if named or len(words) == 1:
            self._first_image(words[0], line)
        else:
            self._fault(line, "IMG002", "FROM without one image", "FROM image [AS name]", "correct the line")
        name = words[-1].text.lower() if named else ""
        if name in self.contexts:
            seen = f"stage {name} has the name of an additional context"
            self._fault(line, "IMG015", seen, "names that differ", "rename the stage or the context")
        self.stages.append(name)
        self.scope.enter_stage()

    def _first_image(self, word: Word, line: int) -> None:
        try:
            values = {self.scope.base_value(_text(word), p) for p in (self.platforms or (None,))}
        except Undetermined as error:
            return self._undetermined(line, word.text, str(error))
        if len(values) == 1:
            return self._use(word, values.pop(), line)
        if all(self._is_inner(value) for value in values):
            return None
        return self._undetermined(line, word.text, "it differs between the platforms")

    def _flag(self, instruction: Instruction, flag: Word) -> None:
        """``--from=`` of a COPY, ``from=`` in a ``--mount`` of a RUN: a stage, its number, or an image."""
        pattern = _COPY_FROM if instruction.name == "COPY" else _MOUNT_FROM
        match = pattern.match(flag.text)
        if not match:
            return
        text, (start, end) = match[1], match.span(1)
        if "$" in text or not text:
            self._undetermined(instruction.line, text, "variables are not replaced there")
        elif flag.end - flag.start != len(flag.text):
            self._undetermined(instruction.line, text, "its flag is split over lines")
        elif not (text.isdecimal() and int(text) < len(self.stages)):
            word = Word(text, flag.start + start, flag.start + end)
            self._use(word, text, instruction.line)

    def _is_inner(self, reference: str) -> bool:
        return reference == "scratch" or (bool(reference) and reference.lower() in self.stages)

    def _use(self, word: Word, reference: str, line: int) -> None:
        if reference in self.contexts:
            self.uses.append(BaseUse(reference, line, word.start, word.end))
        elif not self._is_inner(reference):
            try:
                ImageRef.parse(reference)
            except InvalidReference as error:
                seen = f"{reference[:200]!r} names no image"
                return self._fault(line, "IMG004", seen, str(error), "correct the reference")
            self.uses.append(BaseUse(reference, line, word.start, word.end))
        return None

    def _add(self, instruction: Instruction) -> None:
        if any(flag.text.startswith("--checksum=") for flag in instruction.flags):
            return
        for source in _sources(instruction):
            value = self.scope.value_of(source)
            text = (source if value is None else value).lstrip("\"'")
            hidden = value is None and text.startswith("$")
            if hidden or (_REMOTE.match(text) and not _PINNED_COMMIT.search(text)):
                self._fault(
                    instruction.line,
                    "IMG005",
                    f"ADD of {source[:200]!r} without a checksum" + (", its value unknown" if hidden else ""),
                    "ADD --checksum=sha256:… for everything remote",
                    "write its checksum, or fetch it in a RUN that verifies it",
                )

    def _undetermined(self, line: int, text: str, reason: str) -> None:
        self._fault(
            line,
            "IMG003",
            f"the image {text[:200]!r} cannot be told: {reason}",
            "a reference that the commit alone decides",
            "give the ARG a default or a value in build.args",
        )

    def _fault(self, line: int, code: str, seen: str, expected: str, remedy: str) -> None:
        self.faults.append(Fault(line, code, seen, expected, remedy))


_COPY_FROM = re.compile(r"""--from=["']?([^"']*)""")


def _text(word: Word) -> str:
    """The word as UTF-8; the lexer keeps one character for each byte."""
    return word.text.encode("latin-1").decode("utf-8", "replace")


def _assignments(instruction: Instruction) -> list[tuple[str, str]]:
    """``ENV A=1 B=2``, or the old form ``ENV A 1``."""
    words = [_text(word) for word in instruction.words]
    if words and "=" not in words[0]:
        return [(words[0], _text(instruction.rest).removeprefix(words[0]).strip())]
    return [(name, text) for name, _, text in (word.partition("=") for word in words)]


def _sources(instruction: Instruction) -> list[str]:
    """The sources of an ADD: all words but the last, or those of its JSON form."""
    if instruction.rest.text.startswith("["):
        try:
            listed = json.loads(_text(instruction.rest))
        except (ValueError, RecursionError):
            listed = None
        if isinstance(listed, list) and all(isinstance(item, str) for item in listed):
            return [str(item) for item in listed[:-1]]
    return [_text(word) for word in instruction.words[:-1]]
