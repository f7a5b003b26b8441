"""Files with a NAME=VALUE on each line, as ``env_file`` and ``label_file`` name them.

The lines mean what they mean to Compose. Every value keeps its place in the file, so that a problem with it,
or with a variable in it, is reported there. No message holds a value.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from specs.node import Entry, Scalar
from specs.problem import Place, Report

MAX_BYTES: Final = 256 << 10
_NAME = re.compile(r"[ \t]*(?:export[ \t]+)?(?P<name>[^\s=#'\"$]+)[ \t]*=[ \t]*")
_ESCAPE = re.compile(r"\\([nrt\"\\$])")
_ESCAPED: Final = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": "$$"}
_QUOTED: Final = {
    "'": re.compile(r"'([^']*)'[ \t]*(?:[ \t]#[^\n]*)?(?=\n|$)"),
    '"': re.compile(r'"((?:[^"\\]|\\.)*)"[ \t]*(?:[ \t]#[^\n]*)?(?=\n|$)', re.DOTALL),
}
_COMMENT = re.compile(r"(?:^|[ \t]+)#.*")
_NO_VALUE: Final = "write NAME=VALUE; a value is never taken from the environment of the tool"


def read_lines(path: str, content: bytes, raw: bool, report: Report) -> dict[str, Entry]:
    """The names and values of a file; of two lines with one name the later counts. What is literal in it has
    its dollar signs doubled, as the language writes them."""
    if len(content) > MAX_BYTES:
        report.add("SPEC001", Place(path), f"a file of more than {MAX_BYTES >> 10} KiB")
        return {}
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text or text.startswith("\ufeff"):
        report.add("SPEC002", Place(path), "a file that is not plain UTF-8 text")
        return {}
    plain = text.replace("\r\n", "\n")
    starts = [0, *(match.end() for match in re.finditer("\n", plain))]
    return dict(_Reader(path, plain, raw, report, starts).entries())


@dataclass(slots=True)
class _Reader:
    path: str
    text: str
    raw: bool
    report: Report
    starts: Sequence[int]
    """Where each line begins."""
    at: int = 0
    """Where the next line to read begins."""

    def entries(self) -> Iterator[tuple[str, Entry]]:
        while self.at < len(self.text):
            start = self.at
            end = self.text.find("\n", start)
            self.at = len(self.text) if end < 0 else end + 1
            line = self.text[start : self.at].rstrip("\n")
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            match = _NAME.match(line)
            if match is None:
                self._report_line(start, line)
                continue
            value = self._value(start + match.end(), line[match.end() :])
            if value is not None:
                yield match["name"], Entry(self._place(start + match.start("name")), value)

    def _report_line(self, start: int, line: str) -> None:
        if re.fullmatch(r"[ \t]*(?:export[ \t]+)?[^\s=]+[ \t]*", line):
            self.report.add("SPEC008", self._place(start), "a name without a value", remedy=_NO_VALUE)
        else:
            self.report.add(
                "SPEC018", self._place(start), "a line that cannot be read", expected="NAME=VALUE"
            )

    def _value(self, start: int, rest: str) -> Scalar | None:
        place = self._place(start)
        if self.raw:
            return Scalar(rest.replace("$", "$$"), place)
        quote = rest[:1]
        if quote not in _QUOTED:
            return Scalar(_COMMENT.sub("", rest).rstrip(), place)
        match = _QUOTED[quote].match(self.text, start)
        if match is None:
            remedy = "close the quote, and write nothing after it"
            self.report.add("SPEC018", place, "a quoted value that cannot be read", remedy=remedy)
            return None
        self.at = max(self.at, match.end() + 1)
        if quote == "'":
            return Scalar(match[1].replace("$", "$$"), place)
        return Scalar(_ESCAPE.sub(lambda found: _ESCAPED[found[1]], match[1]), place)

    def _place(self, at: int) -> Place:
        line = bisect_right(self.starts, at)
        return Place(self.path, line, at - self.starts[line - 1] + 1)
