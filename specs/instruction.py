"""The instructions of a Dockerfile as its lexer sees them.

Directives, continuations, comments and here-documents are taken out.

Semantics: the Dockerfile reference. Positions are byte offsets into the file.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

_BOM = "\xef\xbb\xbf"
_DIRECTIVE = re.compile(r"#[ \t]*([a-zA-Z][a-zA-Z0-9]*)[ \t]*=[ \t]*(\S(?:.*\S)?)\s*", re.DOTALL)
_OTHER_SYNTAX = re.compile(r"\s*(?://\s*syntax\s*=|\{)")
_SPACE = " \t\r\v\f"
_WORD = re.compile(r"""(?:[^\s"'\\`]|\\[\s\S]|`|"(?:[^"\\]|\\[\s\S])*"|'[^']*'|["'\\])+""")
_WORD_BACKTICK = re.compile(r"""(?:[^\s"'`]|`[\s\S]|"(?:[^"`]|`[\s\S])*"|'[^']*'|["'`])+""")
_HEREDOC = re.compile(r"""\d*<<(-?)(?:"([^"<]+)"|'([^'<]+)'|\\?([^\s<"']+))""")
_WITH_HEREDOC = ("ADD", "COPY", "RUN")
MAX_DOCKERFILE = 1 << 20


class InvalidDockerfile(ValueError):
    """The file is no Dockerfile; ``line`` counts from 1."""

    def __init__(self, line: int, seen: str) -> None:
        super().__init__(f"line {line}: {seen}")
        self.line = line
        self.seen = seen


@dataclass(frozen=True, slots=True)
class Word:
    """A word as written, quotes included, and the bytes ``[start, end)`` that it comes from."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction. ``name`` is upper-case; ``flags`` are its ``--flags``; ``rest`` follows them."""

    name: str
    line: int
    flags: tuple[Word, ...]
    rest: Word
    words: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Script:
    """A lexed Dockerfile. ``syntax`` is the frontend that its first lines name."""

    instructions: tuple[Instruction, ...]
    syntax: Word | None = None
    escape: str = "\\"


@dataclass(slots=True)
class _Logical:
    """A line with its continuations joined; ``origin`` maps an offset in ``text`` to one in the file."""

    text: str = ""
    _starts: list[int] = field(default_factory=list)
    _offsets: list[int] = field(default_factory=list)

    def add(self, piece: str, offset: int) -> None:
        if piece:
            self._starts.append(len(self.text))
            self._offsets.append(offset)
            self.text += piece

    def word(self, start: int, end: int) -> Word:
        last = max(start, end - 1)
        return Word(self.text[start:end], self._origin(start), self._origin(last) + (end - last))

    def _origin(self, at: int) -> int:
        n = max(0, bisect_right(self._starts, at) - 1)
        return self._offsets[n] + at - self._starts[n] if self._starts else 0


def read_script(dockerfile: bytes) -> Script:
    """Lex a Dockerfile. Raises ``InvalidDockerfile``."""
    if len(dockerfile) > MAX_DOCKERFILE:
        raise InvalidDockerfile(1, f"more than {MAX_DOCKERFILE} bytes")
    # Latin-1 keeps one character for each byte, so positions are byte offsets.
    lines = list(_lines(dockerfile.decode("latin-1")))
    directives = _directives(lines)
    escape = directives["escape"].text if "escape" in directives else "\\"
    if escape not in ("\\", "`"):
        raise InvalidDockerfile(1, "the escape directive is neither \\ nor `")
    syntax = directives.get("syntax")
    if syntax:
        first = syntax.text.split()[0]
        syntax = Word(first, syntax.start, syntax.start + len(first))
    elif lines and _OTHER_SYNTAX.match(lines[0][1]):
        raise InvalidDockerfile(1, "a frontend that is not named by '# syntax='")
    return Script(tuple(_instructions(lines, escape)), syntax, escape)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Each line with the offset of its first byte, without its end."""
    at = len(_BOM) if text.startswith(_BOM) else 0
    for line in text[at:].split("\n"):
        yield at, line
        at += len(line) + 1


def _directives(lines: list[tuple[int, str]]) -> dict[str, Word]:
    found: dict[str, Word] = {}
    first = 1 if lines and lines[0][1].startswith("#!") else 0
    for offset, line in lines[first:]:
        match = _DIRECTIVE.fullmatch(line)
        if not match:
            break
        found.setdefault(match[1].lower(), Word(match[2], offset + match.start(2), offset + match.end(2)))
    return found


def _instructions(lines: list[tuple[int, str]], escape: str) -> Iterator[Instruction]:
    n = 0
    while n < len(lines):
        line = lines[n][1]
        if not line.strip() or line.lstrip().startswith("#"):
            n += 1
            continue
        first = n + 1
        logical, n = _join(lines, n, escape)
        instruction = _instruction(logical, first, escape)
        for ending, strip_tabs in _heredocs(instruction):
            n = _skip_heredoc(lines, n, ending, strip_tabs)
        yield instruction


def _join(lines: list[tuple[int, str]], n: int, escape: str) -> tuple[_Logical, int]:
    """The logical line that begins at line ``n``, and the index of the line after it."""
    logical = _Logical()
    while n < len(lines):
        offset, line = lines[n]
        n += 1
        if logical.text and (not line.strip() or line.lstrip().startswith("#")):
            continue
        piece = line.rstrip(_SPACE)
        if not piece.endswith(escape) or piece.endswith(escape * 2):
            logical.add(line.rstrip("\r"), offset)
            break
        logical.add(piece[:-1], offset)
    return logical, n


def _instruction(logical: _Logical, line: int, escape: str) -> Instruction:
    pattern = _WORD if escape == "\\" else _WORD_BACKTICK
    spans = [match.span() for match in pattern.finditer(logical.text)]
    if not spans:
        raise InvalidDockerfile(line, "nothing but an escape")
    name = logical.text[slice(*spans[0])].upper()
    flags: list[Word] = []
    for start, end in spans[1:]:
        if not logical.text.startswith("--", start):
            break
        flags.append(logical.word(start, end))
    spans = spans[1 + len(flags) :]
    rest = logical.word(spans[0][0], spans[-1][1]) if spans else Word("", 0, 0)
    return Instruction(name, line, tuple(flags), rest, tuple(logical.word(*span) for span in spans))


def _heredocs(instruction: Instruction) -> list[tuple[str, bool]]:
    """The end line of each here-document, and whether tabs before it are dropped."""
    words = instruction.words
    name = instruction.name
    while name == "ONBUILD" and words:
        name, words = words[0].text.upper(), words[1:]
    if name not in _WITH_HEREDOC or (words and words[0].text.startswith("[")):
        return []
    matches = (_HEREDOC.fullmatch(word.text) for word in words)
    return [(match[2] or match[3] or match[4], bool(match[1])) for match in matches if match]


def _skip_heredoc(lines: list[tuple[int, str]], n: int, ending: str, strip_tabs: bool) -> int:
    """The index of the line after the here-document whose body begins at line ``n``."""
    for at in range(n, len(lines)):
        line = lines[at][1].rstrip("\r")
        if (line.lstrip("\t") if strip_tabs else line) == ending:
            return at + 1
    raise InvalidDockerfile(n, f"a here-document without its end {ending!r}")
