"""Lets an engine's own containers reach one another where the machine's firewall drops forwarded packets.

A Docker that runs on the same machine sets that policy, and bridged packets meet it too. Where packets are
forwarded anyway, nothing is changed.
"""

from __future__ import annotations

import shutil
import subprocess


def iptables(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["iptables", "--wait", *arguments], capture_output=True, text=True)


def rule_of(subnet: str) -> tuple[str, ...]:
    return ("FORWARD", "--source", subnet, "--destination", subnet, "--jump", "ACCEPT")


def accept_within(subnet: str) -> None:
    """Accept packets from the subnet to itself, if the machine would drop them."""
    if shutil.which("iptables") and "-P FORWARD ACCEPT" not in iptables("-S", "FORWARD").stdout:
        iptables("-I", *rule_of(subnet))


def forget(subnet: str) -> None:
    """Remove what `accept_within` added; nothing where nothing was added."""
    while shutil.which("iptables") and iptables("-D", *rule_of(subnet)).returncode == 0:
        continue
