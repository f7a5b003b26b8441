"""The files of the tables on this machine.

What is in the folder, containers can write. So nothing in it is followed: each folder is opened by its name
in the one above, links are only read, and of a file no more than a slot holds.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from providers.caddy.tables import (
    CURRENT,
    MOST,
    ROUTES,
    Table,
    content_of,
    is_folder,
    is_service,
    table_of,
)

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def _opened(name: str, above: int | None = None) -> Iterator[int]:
    held = os.open(name, _FOLDER, dir_fd=above)
    try:
        yield held
    finally:
        os.close(held)


def read_tables(folder: str) -> dict[str, Table]:
    """The table of each service that has one. Raises OSError."""
    found: dict[str, Table] = {}
    with suppress(FileNotFoundError), _opened(folder) as root, _opened(ROUTES, root) as routes:
        for name in sorted(filter(is_service, os.listdir(routes))):
            with suppress(NotADirectoryError, FileNotFoundError), _opened(name, routes) as service:
                if (table := _read_current(service)) is not None:
                    found[name] = table
    return found


def _read_current(service: int) -> Table | None:
    name = _current(service)
    if name is None:
        return None
    try:
        with _opened(name, service) as table:
            return table_of({it: _read(it, table) for it in os.listdir(table)[:300]})
    except (FileNotFoundError, NotADirectoryError):
        return Table()


def _current(service: int) -> str | None:
    """Where the link leads; None where there is no link. One that leads elsewhere is no table of ours."""
    try:
        name = os.readlink(CURRENT, dir_fd=service)
    except FileNotFoundError:
        return None
    except OSError:
        return ""
    return name if is_folder(name) else ""


def _read(name: str, above: int) -> str:
    try:
        held = os.open(name, _READ, dir_fd=above)
    except OSError:
        return ""
    try:
        return content_of(os.read(held, MOST)) if stat.S_ISREG(os.fstat(held).st_mode) else ""
    except OSError:
        return ""
    finally:
        os.close(held)


def write_table(folder: str, service_name: str, name: str, files: Mapping[str, str]) -> Table:
    """Write a table as a folder of this name, turn the service to it, and remove all but the one before,
    which a request may just have found; what is in force then. Raises OSError: the old one is in force."""
    with _opened(folder) as root, _made(ROUTES, root) as routes, _made(service_name, routes) as service:
        before = _current(service)
        try:
            _write(service, name, files)
            _turn(service, name)
        except OSError:
            _remove(service, name)
            raise
        for old in os.listdir(service):
            if old not in (CURRENT, name, before):
                _remove(service, old)
        return _read_current(service) or Table()


@contextmanager
def _made(name: str, above: int) -> Iterator[int]:
    made = False
    with suppress(FileExistsError):
        os.mkdir(name, 0o755, dir_fd=above)
        made = True
    with _opened(name, above) as held:
        if made:
            os.fchmod(held, 0o755)
        yield held


def _write(service: int, name: str, files: Mapping[str, str]) -> None:
    os.mkdir(name, 0o755, dir_fd=service)
    with _opened(name, service) as table:
        os.fchmod(table, 0o755)
        for file, content in files.items():
            held = os.open(file, _WRITE, 0o644, dir_fd=table)
            try:
                os.fchmod(held, 0o644)
                if os.write(held, content.encode()) != len(content):
                    raise OSError(None, "a file was cut off")
            finally:
                os.close(held)


def _turn(service: int, name: str) -> None:
    link = f"{CURRENT}.{name}"
    os.symlink(name, link, dir_fd=service)
    os.replace(link, CURRENT, src_dir_fd=service, dst_dir_fd=service)


def _remove(service: int, name: str) -> None:
    """Remove a table that is no longer used, or a link that was left; what cannot be removed stays."""
    with suppress(OSError):
        if not is_folder(name):
            os.unlink(name, dir_fd=service)
            return
        with _opened(name, service) as table:
            for file in os.listdir(table):
                os.unlink(file, dir_fd=table)
        os.rmdir(name, dir_fd=service)
