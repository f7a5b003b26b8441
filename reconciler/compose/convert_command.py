"""``command``, ``entrypoint`` and health checks: words, and a shell where a password stands among them."""

from __future__ import annotations

import re
import shlex
from typing import Final

from reconciler.compose.convert_environment import give_variable
from reconciler.compose.passwords import looks_secret, takes_secret
from reconciler.compose.tree import listed, mapping, text_of
from reconciler.compose.variables import MARK, Found
from reconciler.compose.work import ServiceWork
from reconciler.desired import Json

_SHELLS: Final = ("sh", "bash", "ash", "/bin/sh", "/bin/bash", "/bin/ash")
_HEALTH: Final = ("interval", "timeout", "start_period", "start_interval", "retries")


def convert_command(work: ServiceWork, word: str) -> None:
    """``command`` or ``entrypoint`` as a list."""
    if work.service.get(word) is None:
        return
    words = [work.whole.renamed(text_of(item), False) for item in listed(work.service[word])]
    if words != [text_of(item) for item in listed(work.service[word])]:
        work.note("renamed", f"{word} names a service by its new name")
    words = _mark_passwords(work, words)
    if any(_is_secret(found) for item in words for found in work.whole.project.marks.within(item)):
        words = _in_shell(work, word, words)
    work.spec[word] = [work.whole.written(item) for item in words]


def _mark_passwords(work: ServiceWork, words: list[str]) -> list[str]:
    """The words with a mark for what follows ``--requirepass`` and its like."""
    found = list(words)
    for at, word in enumerate(words):
        if not takes_secret(word):
            continue
        option, equals, value = word.partition("=")
        if equals:
            found[at] = option + equals + _mark(work, option, value)
        elif at + 1 < len(words) and not words[at + 1].startswith("-"):
            found[at + 1] = _mark(work, option, words[at + 1])
    return found


def _mark(work: ServiceWork, option: str, value: str) -> str:
    if not value or MARK.search(value) or value.startswith("$"):
        return value
    name = f"{work.name}_{option.strip('-')}".replace("-", "_").upper()
    return work.whole.project.marks.mark(Found("secret", name, value))


def _is_secret(found: Found) -> bool:
    return found.kind == "secret" or looks_secret(found.name, "unknown")


def _in_shell(work: ServiceWork, word: str, words: list[str]) -> list[str]:
    """The same command in a shell that reads the passwords from its environment."""
    if words[0] in _SHELLS and len(words) > 2:
        work.note("secret", f"{word} holds a password: its script reads it from the environment now")
        return [*words[:-1], _fill(work, words[-1])]
    if word == "command" and words[0].startswith("-"):
        work.note(
            "secret", f"{word} holds a password: a variable of the environment, in git; move it to a file"
        )
        return words
    work.note("secret", f"{word} holds a password: a shell now reads it from the environment")
    script = " ".join(_quote(work, item) for item in words)
    return ["sh", "-c", f"exec {script}"]


def _quote(work: ServiceWork, word: str) -> str:
    if not MARK.search(word):
        return shlex.quote(word)
    escaped = re.sub(r'(["\\$`])', r"\\\1", word)
    return f'"{_fill(work, escaped)}"'


def _fill(work: ServiceWork, text: str) -> str:
    """``${NAME}`` for each password; other variables stay marked."""

    def put(match: re.Match[str]) -> str:
        found = work.whole.project.marks.found[int(match[1])]
        if not _is_secret(found):
            return match[0]
        value = found.value if found.kind == "secret" else None
        return f"${{{give_variable(work, found.name, value)}}}"

    return MARK.sub(put, text)


def convert_healthcheck(work: ServiceWork) -> None:
    """The engine's health check."""
    words = mapping(work.service.get("healthcheck"))
    check: dict[str, Json] = {}
    test = [text_of(item) for item in listed(words.get("test"))]
    if test[:1] == ["NONE"] or words.get("disable") in (True, "true"):
        work.spec["healthcheck"] = {"disable": True}
        return
    if test:
        check["test"] = [work.whole.written(item) for item in _shelled(work, test)]
    for word in _HEALTH:
        if words.get(word) not in (None, "", 0, "0"):
            check[word] = work.number(word, words[word]) if word == "retries" else work.flat(words[word])
    if check:
        work.spec["healthcheck"] = check
    for word in sorted(set(words) - {*_HEALTH, "test", "disable"}):
        work.note("dropped", f"healthcheck.{word} is not carried over")


def _shelled(work: ServiceWork, test: list[str]) -> list[str]:
    kind, words = test[0], _mark_passwords(work, test[1:])
    if not any(_is_secret(found) for item in words for found in work.whole.project.marks.within(item)):
        return [kind, *words]
    work.note("secret", "the health check holds a password: a shell now reads it from the environment")
    script = _fill(work, words[0]) if kind == "CMD-SHELL" else " ".join(_quote(work, item) for item in words)
    return ["CMD-SHELL", script]
