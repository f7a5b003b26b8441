"""Secrets as files: copied into the created container before it starts, owned by its user."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from providers.docker.archive import pack, pack_alone, unpack_one
from providers.docker.containers import Containers
from providers.docker.engine import Engine
from providers.docker.faults import EngineError
from providers.docker.files import fill
from providers.docker.payload import missing_secret
from reconciler.actions import Blueprint
from reconciler.desired import SecretUse, ServiceForm
from reconciler.provider import FileEntry, Refused


@dataclass(frozen=True, slots=True)
class User:
    """A user of a container by numbers."""

    uid: int
    gid: int


def check(where: str, form: ServiceForm, values: Mapping[str, str]) -> None:
    """Raises Refused for a secret without a value, and for one whose path lies in a mount: in a volume it
    would outlive the instance, and a read-only one refuses it. In a tmpfs it is mounted, not copied."""
    mounts = [use.target for use in form.mounts if use.type != "tmpfs"] + [use.target for use in form.files]
    for use in form.secrets:
        if use.secret_name not in values:
            raise missing_secret(where, use.secret_name)
        for mount in mounts:
            if PurePosixPath(use.target).is_relative_to(mount):
                raise Refused(
                    "DKR036",
                    where,
                    f"secret file {use.target} lies in the mount {mount}",
                    "a path in the container's own file system",
                    "give the secret another target, such as one below /run/secrets",
                )


async def copy(
    engine: Engine,
    container_id: str,
    where: str,
    user: str,
    uses: Sequence[SecretUse],
    values: Mapping[str, str],
) -> None:
    """Copy every secret file in. ``user`` is the container's, as spec or image say it (empty is root).
    Raises Refused for a user that the image does not know."""
    for use, owner in await _owners(engine, container_id, where, user, uses):
        content = values[use.secret_name].encode()
        entry = FileEntry(use.target.lstrip("/"), use.mode, owner.uid, owner.gid, content)
        await engine.write("PUT", f"/containers/{container_id}/archive", {"path": "/"}, pack_alone(entry))


async def publish(
    containers: Containers, blueprint: Blueprint, volume: str, user: str, values: Mapping[str, str]
) -> None:
    """Put every secret file into a volume of role secret, where the container takes no copy. The files are
    called by their places in the form; the owners are read from the filler, which has the same image."""

    async def give(filler: str) -> bytes:
        uses = blueprint.form.secrets
        owners = await _owners(containers.engine, filler, blueprint.name, user, uses)
        entries = [
            FileEntry(str(place), use.mode, owner.uid, owner.gid, values[use.secret_name].encode())
            for place, (use, owner) in enumerate(owners)
        ]
        return pack(volume, entries)

    await fill(containers, blueprint.owner, volume, "secret", str(blueprint.image), give)


async def _owners(
    engine: Engine, container_id: str, where: str, user: str, uses: Sequence[SecretUse]
) -> list[tuple[SecretUse, User]]:
    if not uses:
        return []
    owner, found = await _resolve(engine, container_id, where, user), list[tuple[SecretUse, User]]()
    for use in uses:
        own = await _resolve(engine, container_id, where, use.uid) if use.uid else owner
        gid = await _resolve_group(engine, container_id, where, use.gid) if use.gid else own.gid
        found.append((use, User(own.uid, gid)))
    return found


async def _resolve(engine: Engine, container_id: str, where: str, user: str) -> User:
    name, _, group = user.partition(":")
    if name in ("", "0", "root"):
        found = User(0, 0)
    else:
        found = find_user(await _file(engine, container_id, "/etc/passwd"), name, where)
    if not group:
        return found
    return User(found.uid, await _resolve_group(engine, container_id, where, group))


async def _resolve_group(engine: Engine, container_id: str, where: str, group: str) -> int:
    if group.isdecimal():
        return int(group)
    return find_group(await _file(engine, container_id, "/etc/group"), group, where)


async def _file(engine: Engine, container_id: str, path: str) -> str:
    try:
        answer = await engine.fetch(f"/containers/{container_id}/archive", {"path": path})
    except EngineError as error:
        if error.status == 404:
            return ""
        raise
    return unpack_one(answer.body).decode("utf-8", "replace")


def find_user(passwd: str, name: str, where: str) -> User:
    """A user in the text of /etc/passwd; a number that it does not list is that number, group 0.
    Raises Refused for a name that it does not list."""
    for line in passwd.splitlines():
        parts = line.split(":")
        if len(parts) > 3 and name in (parts[0], parts[2]) and parts[2].isdecimal() and parts[3].isdecimal():
            return User(int(parts[2]), int(parts[3]))
    if name.isdecimal():
        return User(int(name), 0)
    raise _unknown(where, f"user {name!r}", "/etc/passwd")


def find_group(groups: str, name: str, where: str) -> int:
    """A group's number in the text of /etc/group. Raises Refused."""
    for line in groups.splitlines():
        parts = line.split(":")
        if len(parts) > 2 and parts[0] == name and parts[2].isdecimal():
            return int(parts[2])
    raise _unknown(where, f"group {name!r}", "/etc/group")


def _unknown(where: str, seen: str, path: str) -> Refused:
    return Refused(
        "DKR034",
        where,
        f"{seen} is not in the image's {path}",
        "a user that the image knows, or a number",
        "write the number, or add the user to the image",
    )
