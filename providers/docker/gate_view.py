"""What a reader through ``reconciler readonly`` does not see: secrets, commands, what containers print. Pure.

Values of environment variables are compared, so they are shown, but for those that a spec gives from a
secret. Of a container whose spec cannot be read, or that is not ours, no value is shown at all.
"""

from __future__ import annotations

import base64
import json
import zlib
from typing import Final, TypeAlias

_Json: TypeAlias = "dict[str, _Json] | list[_Json] | str | int | float | bool | None"
HIDDEN: Final = "(hidden)"
_SPEC: Final = "reconciler.spec"
_LARGEST: Final = 1 << 20


def without_secrets(body: bytes) -> bytes:
    """The answer to an inspection of one container without them. Raises ValueError for what is none."""
    container: _Json = json.loads(body)
    if not isinstance(container, dict):
        raise ValueError("no object")
    config = container.get("Config")
    if isinstance(config, dict):
        labels = config.get("Labels")
        secret = _secret_names(labels.get(_SPEC) if isinstance(labels, dict) else None)
        pairs = config.get("Env")
        if isinstance(pairs, list):
            config["Env"] = [_value_shown(pair, secret) for pair in pairs]
    state = container.get("State")
    health = state.get("Health") if isinstance(state, dict) else None
    log = health.get("Log") if isinstance(health, dict) else None
    for probe in log if isinstance(log, list) else []:
        if isinstance(probe, dict):
            probe["Output"] = ""
    return json.dumps(container).encode()


def without_commands(body: bytes) -> bytes:
    """The answer to a question for events in which of an executed command the program alone is left. Raises
    ValueError for what is none."""
    found: list[bytes] = []
    for line in body.splitlines():
        event: _Json = json.loads(line) if line.strip() else None
        if isinstance(event, dict):
            for name in ("Action", "status"):
                word, colon, said = str(event.get(name, "")).partition(": ")
                if colon and word.startswith("exec_"):
                    event[name] = f"{word}: {said.split(' ')[0]}"
            found.append(json.dumps(event).encode())
    return b"\n".join(found)


def _value_shown(pair: _Json, secret: frozenset[str] | None) -> _Json:
    name = str(pair).partition("=")[0]
    return f"{name}={HIDDEN}" if secret is None or name in secret else pair


def _secret_names(label: _Json) -> frozenset[str] | None:
    """Names of the variables whose values come from a secret; None where nobody can tell."""
    if not isinstance(label, str):
        return None
    try:
        inflate = zlib.decompressobj()
        text = inflate.decompress(base64.b64decode(label, validate=True), _LARGEST)
        document: _Json = json.loads(text)
    except (ValueError, zlib.error, RecursionError):
        return None
    service = document.get("service") if isinstance(document, dict) else None
    if not isinstance(service, dict):
        return None
    environment = service.get("environment", {})
    if not isinstance(environment, dict):
        return None
    return frozenset(name for name, value in environment.items() if _is_secret(value))


def _is_secret(value: _Json) -> bool:
    return isinstance(value, dict) or (isinstance(value, str) and "${secret:" in value)
