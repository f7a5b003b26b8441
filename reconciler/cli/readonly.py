"""Verb ``readonly``: what sshd runs for a key that may only look, whatever the other side asked for.

In authorized_keys: ``restrict,command="reconciler readonly" ssh-ed25519 …``. Not for people.
"""

from __future__ import annotations

from reconciler.cli.envelope import Report
from reconciler.cli.options import Options


def run(options: Options) -> Report:
    """Lead requests that only read to the engine's socket, until the other side ends. 4 after a refusal."""
    from providers.docker.gate_process import serve

    return Report(serve(options.socket))
