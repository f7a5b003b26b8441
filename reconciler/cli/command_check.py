"""A check by a command in a container of the promoted image: on the target's engine, by digest, alone.

It gets no network, no secret, no volume and no variable of the service, and is removed when it ends.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import Final

from reconciler.actions import Blueprint
from reconciler.cli.gate_subject import CheckedService
from reconciler.clients import FindLogin
from reconciler.desired import Generation
from reconciler.dialogue import CommandLine, Process
from reconciler.fault import ProviderError
from reconciler.form import make_form
from reconciler.ownership import Owner, task_name
from reconciler.provider import Runtime
from reconciler.render import escape
from specs.gate_check import Check
from specs.service import Service

_TAIL: Final = 2_000
_SHOWN: Final = 200


async def check_command(
    runtime: Runtime, login: FindLogin, owner: Owner, check: Check, checked: CheckedService
) -> tuple[bool | None, str]:
    """Whether the command ends with 0, and how it ended, with the end of its last line. None where it could
    not be run."""
    try:
        if str(checked.image) not in await runtime.images([str(checked.image)]):
            await runtime.pull(checked.image, await login(checked.image))
        command = CommandLine(check.command or ())
        process = await runtime.run_task(_draw(owner, checked), {}, command)
    except ProviderError as error:
        return None, f"it cannot be run: {error.seen}"
    try:
        return await _listen(process, check.seconds)
    except ProviderError as error:
        return None, f"how it ended is not known: {error.seen}"
    finally:
        await asyncio.shield(process.close())


async def _listen(process: Process, seconds: float) -> tuple[bool, str]:
    """Until it ends, at most so long."""
    tail = b""
    try:
        async with asyncio.timeout(seconds):
            await process.end_input()
            async for piece in process.output():
                tail = (tail + piece.content)[-_TAIL:]
            code = await process.exit_code()
    except TimeoutError:
        return False, f"it ran longer than {seconds:g} s{_last_line(tail)}"
    return code == 0, f"exit code {code}{_last_line(tail) if code else ''}"


def _last_line(tail: bytes) -> str:
    lines = tail.decode("utf-8", "replace").split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return f": {escape(last[-_SHOWN:], _SHOWN)}" if last else ""


def _draw(owner: Owner, checked: CheckedService) -> Blueprint:
    """A container that has nothing but the image."""
    service = Service(image=checked.image.name, network_mode="none", restart="no")
    form = make_form(owner, checked.service_name, service, {}, {}, {})
    digest = str(checked.image.digest or "")
    return Blueprint(
        owner=owner,
        service_name=checked.service_name,
        number=0,
        name=task_name(owner, checked.service_name, secrets.token_hex(4)),
        generation=Generation(form.fingerprint, "", digest),
        form=form,
        image=checked.image,
        input=digest,
        commit=checked.commit,
        pin=checked.commit,
        source="",
    )
