"""Verb ``receive-ssh``: what sshd runs for a pusher's key, whatever the pusher asked for. Not for people.

Of that, exactly a push or a fetch of a repository by its name is done, and only for one of its own.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from reconciler.cli.envelope import Report, Stop, failure
from reconciler.cli.exits import REFUSED
from reconciler.cli.git_service import Service, read_service, service_environment, service_words
from reconciler.cli.options import Options
from reconciler.cli.run_config import read_config
from specs.run_file import RunSpec
from specs.run_repository import RunRepository

_ASKED: Final = re.compile(r"git[- ](?P<verb>receive-pack|upload-pack) '/?(?P<name>[a-z0-9-]{1,63})(\.git)?'")


def run(options: Options) -> Report:
    """Become git, and answer. Raises Stop for anything else, and where the Run file cannot be read."""
    asked = read_asked(os.environ.get("SSH_ORIGINAL_COMMAND", ""))
    spec = read_config(Path(options.config or "")).spec
    entry = find_repository(spec, options.pusher, asked[1]) if asked is not None else None
    if asked is None or entry is None or entry.folder is None:
        seen = "nothing that may be done here" if asked is None else "there is no such repository"
        expected = "git push or git fetch, of ssh://…/NAME.git"
        raise Stop(REFUSED, (failure("PUSH001", "ssh", seen, expected),))
    variables = service_environment(options.pusher, os.environ.get("GIT_PROTOCOL", ""))
    words = service_words(asked[0], Path(entry.folder))
    os.execve(words[0], words, variables)  # noqa: S606 (a list that we build, an environment from scratch)


def read_asked(command: str) -> tuple[Service, str] | None:
    """The service and the repository's name; None for any other command than git's own two."""
    found = _ASKED.fullmatch(command)
    if found is None:
        return None
    service = read_service(f"git-{found['verb']}")
    return (service, found["name"]) if service is not None else None


def find_repository(spec: RunSpec, pusher_name: str, repository_name: str) -> RunRepository | None:
    """The repository, if this pusher may push to it."""
    for pusher in spec.pushers:
        if pusher.name == pusher_name and repository_name in pusher.repositories:
            found = [entry for entry in spec.repositories if entry.name == repository_name]
            return found[0] if found and found[0].receive else None
    return None
