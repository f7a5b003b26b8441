"""Verb ``exec``: a command in an instance that runs, on our terminal or streams. Its exit code is ours."""

from __future__ import annotations

from reconciler.cli import console
from reconciler.cli.converse import converse
from reconciler.cli.envelope import Report
from reconciler.cli.instances import choose, look_at_instances, running_one
from reconciler.cli.options import Options
from reconciler.cli.session import run_live
from reconciler.cli.workspace import Workspace
from reconciler.clients import Clients
from reconciler.dialogue import CommandLine


def run(options: Options) -> Report:
    """Run it. Raises Stop, ProviderError."""
    return run_live(options, report_exec)


async def report_exec(workspace: Workspace, clients: Clients) -> Report:
    """Find the instance, run the command, give its exit code. Raises Stop where no instance runs."""
    options, desired = workspace.options, workspace.desired
    world = await look_at_instances(workspace, clients)
    found = choose(desired, world.instances, options.service, options.instance)
    instance = running_one(desired, found, options.service, options.instance)
    process = await clients.runtime.execute(desired.owner, instance.handle, command_line(options))
    try:
        code = await converse(process, _has_terminal(options))
    finally:
        await process.close()
    return Report(code, owner=desired.owner, commit=desired.commit, at=world.at, streamed=True)


def _has_terminal(options: Options) -> bool:
    return not options.no_tty and console.is_interactive()


def command_line(options: Options) -> CommandLine:
    """What the command line says of the command; it gets a terminal where we have one."""
    return CommandLine(
        words=options.command,
        terminal=console.terminal_size() if _has_terminal(options) else None,
        user=options.user,
        workdir=options.workdir,
        entrypoint=None if options.entrypoint is None else tuple(options.entrypoint.split()),
    )
