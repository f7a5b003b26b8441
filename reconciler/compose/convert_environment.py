"""``environment`` and ``env_file``: variables, and secrets for what looks like a password."""

from __future__ import annotations

import re
from typing import Final

from reconciler.compose.passwords import LOGIN_IN_URL, looks_secret
from reconciler.compose.tree import JsonObject, Tree, listed, mapping, text_of
from reconciler.compose.variables import MARK
from reconciler.compose.work import ServiceWork
from reconciler.desired import Json
from specs.service import Service

_HOST: Final = re.compile(r"(?i)(?:host|hostname|server|addr|address|endpoint|url)$")
_SIMPLE_LINE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=[^'\"#$\\\s]?[^'\"#$\\]*|#.*|\s*")


def convert_environment(work: ServiceWork) -> None:
    """All variables of a service: those of its files first, then its own."""
    values: Tree = {}
    words: list[Json] = []
    for item in listed(work.service.get("env_file")):
        words += _read_env_file(work, mapping(item), values)
    own = mapping(work.service.get("environment"))
    if any(_is_literal(work, name, text_of(text)) for name, text in own.items()):
        work.whole.draft.exposed.add(work.whole.project.paths[0])
    values |= own
    found: JsonObject = {}
    for name, text in values.items():
        if text is None:
            work.note(
                "variable", f"{name} came from the shell and is left out: write its value, if it needs one"
            )
        else:
            found[name] = convert_value(work, name, text_of(text))
    if words:
        work.spec["env_file"] = words
    if found:
        work.spec["environment"] = found


def _is_literal(work: ServiceWork, name: str, text: str) -> bool:
    """Whether a password stands in the Compose file itself."""
    return not MARK.search(text) and (looks_secret(name, text) or bool(LOGIN_IN_URL.search(text)))


def _read_env_file(work: ServiceWork, item: Tree, values: Tree) -> list[Json]:
    """The file as the word ``env_file`` where git holds it and no password is in it; else its values."""
    path = text_of(item.get("path")).removeprefix("./")
    given = item.get("values")
    if given is None:
        if item.get("outside"):
            work.note("dropped", f"env_file {path} lies outside of this repository, where nothing is read")
        elif item.get("required"):
            work.note("dropped", f"env_file {path} is not there: Compose does not start without it")
        return []
    found = mapping(given)
    content = work.whole.files.read(path) or b""
    simple = all(_SIMPLE_LINE.fullmatch(line) for line in content.decode(errors="replace").splitlines())
    secret = any(
        looks_secret(name, text) or LOGIN_IN_URL.search(text_of(text)) for name, text in found.items()
    )
    kept = path in work.whole.files.kept()
    if secret:
        work.whole.draft.exposed.add(path)
    if simple and not secret and kept and not values and "env_file" in Service.model_fields:
        return [path]
    earlier = bool(values)
    values |= found
    reason = "it holds passwords" if secret else "so is the one before it" if earlier else "its quotes differ"
    reason = reason if kept else "git does not track it"
    if found:
        work.note("config", f"env_file {path} is written out under environment: {reason}")
    return []


def convert_value(work: ServiceWork, name: str, text: str) -> Json:
    """One variable's value: text, text with secrets in it, or a secret."""
    marks = work.whole.project.marks
    renamed = work.whole.renamed(text, bool(_HOST.search(name)))
    if renamed != text:
        work.note("renamed", f"{name} names a service by its new name")
    text = renamed
    whole = MARK.fullmatch(text)
    found = marks.within(text)
    if whole and found[0].kind == "secret":
        return _secret(work, name, found[0].name, found[0].value)
    if whole and looks_secret(name, "unknown"):
        return _secret(work, name, found[0].name, None)
    if looks_secret(name, marks.value(text)):
        return _secret(work, name, name, marks.value(text))
    return _with_secrets(work, name, text)


def _secret(work: ServiceWork, name: str, wanted: str, value: str | None) -> JsonObject:
    secret = work.whole.secret(wanted, value, work.name)
    work.note("secret", f"{name} looks like a password: now the secret {secret}, whose value is not in git")
    return {"secret": secret}


def _with_secrets(work: ServiceWork, name: str, text: str) -> str:
    """The text with ``${secret:NAME}`` for passwords: those of variables, and that of a login in a URL."""
    marks = work.whole.project.marks
    parts: dict[str, str] = {}
    for number, found in zip(MARK.findall(text), marks.within(text), strict=True):
        if found.kind == "secret":
            secret = work.whole.secret(found.name, found.value, work.name)
            parts[number] = f"${{secret:{secret}}}"
            work.note("secret", f"{name} holds a password: now the secret {secret} in the text")
    out = ""
    at = 0
    for match in LOGIN_IN_URL.finditer(text):
        password = match["password"]
        if MARK.search(password):
            continue
        secret = work.whole.secret_of(password) or work.whole.secret(f"{name}-password", password, work.name)
        work.note("secret", f"{name} holds a login: its password is now the secret {secret} in the text")
        out += _written(work, text[at : match.start("password")], parts) + f"${{secret:{secret}}}"
        at = match.end("password")
    return out + _written(work, text[at:], parts)


def _written(work: ServiceWork, text: str, parts: dict[str, str]) -> str:
    pieces = re.split(f"({MARK.pattern.replace('(', '(?:')})", text)
    return "".join(
        parts[match[1]]
        if (match := MARK.fullmatch(piece)) and match[1] in parts
        else work.whole.written(piece)
        for piece in pieces
    )


def give_variable(work: ServiceWork, name: str, value: str | None) -> str:
    """Put a secret into the service's environment, for a command that reads it; the variable's name."""
    environment = work.spec.setdefault("environment", {})
    secret: JsonObject = {"secret": work.whole.secret(name, value, work.name)}
    variable = re.sub(r"[^A-Za-z0-9_]", "_", name).upper()
    if isinstance(environment, dict):
        if environment.get(variable, secret) != secret:
            variable = f"{variable}_SECRET"
        environment[variable] = secret
    return variable
