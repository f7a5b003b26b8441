"""Credential programs of the docker client: ``docker-credential-NAME get`` as a subprocess with a deadline.

The host goes in on standard input; a JSON object with ``Username`` and ``Secret`` comes back. What the
program writes to standard error is dropped, because it may quote a secret.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal

from providers.oci.faults import CREDENTIAL_PROGRAM
from providers.oci.strict_json import parse_object

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_NOT_FOUND = b"credentials not found"
_MAX_OUTPUT = 1 << 16


async def ask_program(name: str, address: str, deadline: float) -> tuple[str, str] | None:
    """User name and secret that the program keeps for ``address``; None when it keeps none.

    Raises ProviderError when it fails, says nonsense or takes longer than ``deadline`` seconds, Refused for a
    name that is a path.
    """
    where = f"docker-credential-{name} for {address}"
    if not _NAME.fullmatch(name):
        raise CREDENTIAL_PROGRAM.final(
            "docker's config.json",
            "a credential program named by a path",
            "a plain name",
            remedy="correct the name",
        )
    try:
        status, output = await _run(f"docker-credential-{name}", address.encode(), deadline)
    except TimeoutError:
        raise CREDENTIAL_PROGRAM.passing(where, "no answer", f"one within {deadline:g} s") from None
    except OSError as error:
        raise CREDENTIAL_PROGRAM.passing(
            where,
            error.strerror or "it did not start",
            "a program on PATH",
            remedy="install it, or use a login",
        ) from None
    if status != 0 and _NOT_FOUND in output:
        return None
    if status != 0:
        raise CREDENTIAL_PROGRAM.passing(where, f"exit {status}", "exit 0")
    return _read(where, output)


async def _run(program: str, line: bytes, deadline: float) -> tuple[int, bytes]:
    process = await asyncio.create_subprocess_exec(
        *(program, "get"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(deadline):
            output, _ = await process.communicate(line)
    finally:
        if process.returncode is None:
            _end_group(process.pid)
            await process.wait()
    return process.returncode or 0, output


def _end_group(pid: int) -> None:
    """End the program and whatever it started: a child of it would keep our pipe open."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _read(where: str, output: bytes) -> tuple[str, str]:
    expected = "a JSON object with Username and Secret"
    if len(output) > _MAX_OUTPUT:
        raise CREDENTIAL_PROGRAM.passing(where, f"{len(output)} bytes of output", expected)
    try:
        document = parse_object(output)
    except ValueError as error:
        raise CREDENTIAL_PROGRAM.passing(where, str(error), expected) from None
    username, secret = document.get("Username"), document.get("Secret")
    if not isinstance(username, str) or not isinstance(secret, str) or not secret:
        raise CREDENTIAL_PROGRAM.passing(where, "an answer without them", expected)
    return username, secret
