"""Begins to connect to the engine before the specs are read, where the environment already says to which."""

from __future__ import annotations

import os
from collections.abc import Mapping

from reconciler.cli.options import Options

_LIVE = frozenset({"plan", "apply", "status", "drift", "why", "logs", "exec", "task", "destroy", "retry"})


def connect_ahead(options: Options, environ: Mapping[str, str] | None = None) -> bool:
    """Begin with an ssh connection to what RECONCILER_ENDPOINT_<ENVIRONMENT>, else DOCKER_HOST names. A
    document may yet name another engine: then it was in vain. Whether one was begun."""
    found = os.environ if environ is None else environ
    variable = f"RECONCILER_ENDPOINT_{options.environment.upper().replace('-', '_')}"
    endpoint = found.get(variable) or found.get("DOCKER_HOST") or ""
    is_live = options.verb in _LIVE and options.base is None
    if not is_live or not endpoint.startswith("ssh://"):
        return False
    from providers.docker.ssh_ahead import begin

    begin(endpoint)
    return True


def end_ahead() -> None:
    """End what was begun in vain."""
    from providers.docker.ssh_ahead import end

    end()
