"""By what a process knows the container that it runs in: only by an id that the engine gave it."""

from __future__ import annotations

import pytest

from reconciler.cli.own_container import container_ids
from reconciler.lease import process_name
from reconciler.ourselves import recognise

ID, OTHER = "3f" * 32, "ab" * 32
FOLDER = f"/var/lib/docker/containers/{ID}"
CGROUP_2 = f"""\
612 590 0:53 / / rw,relatime - overlay overlay rw,lowerdir=/var/lib/docker/overlay2/l/A
633 612 8:1 {FOLDER}/resolv.conf /etc/resolv.conf rw - ext4 /dev/sda1 rw
634 612 8:1 {FOLDER}/hostname /etc/hostname rw - ext4 /dev/sda1 rw
"""
PODMAN = f"634 612 0:24 /containers/overlay-containers/{ID}/userdata/hosts /etc/hosts rw - tmpfs tmpfs rw\n"
ON_THE_HOST = f"""\
30 1 8:1 / / rw - ext4 /dev/sda1 rw
90 30 0:61 / /var/lib/docker/containers/{OTHER}/mounts/shm rw - tmpfs shm rw
91 30 8:1 /var/lib/docker/containers/{OTHER} /mnt/x rw - ext4 /dev/sda1 rw
"""


@pytest.mark.parametrize(
    ("mountinfo", "cgroup", "hostname", "found"),
    [
        pytest.param(CGROUP_2, "0::/\n", "box", {ID}, id="cgroup-v2"),
        pytest.param(PODMAN, "0::/\n", "box", {ID}, id="another-engine"),
        pytest.param("", f"9:pids:/docker/{ID}\n1:name=systemd:/docker/{ID}\n", "box", {ID}, id="cgroup-v1"),
        pytest.param("", f"0::/system.slice/docker-{ID}.scope\n", "box", {ID}, id="the-hosts-namespace"),
        pytest.param("", f"4:cpu:/docker/{OTHER}/docker/{ID}\n", "box", {ID}, id="the-innermost"),
        pytest.param("", "0::/\n", ID[:12], {ID[:12]}, id="host-name"),
        pytest.param(ON_THE_HOST, "0::/user.slice/session-3.scope\n", "server", set(), id="outside"),
        pytest.param("", f"0::/docker/{OTHER}/init.scope\n", "box", set(), id="not-the-last-group"),
        pytest.param("odd\n\n", "odd", "3F3F3F3F3F3F", set(), id="nonsense"),
    ],
)
def test_what_may_be_our_id(mountinfo: str, cgroup: str, hostname: str, found: set[str]) -> None:
    assert container_ids(mountinfo, cgroup, hostname) == found


def test_nothing_is_recognised_that_is_not_observed() -> None:
    assert recognise((), {ID}) is None


def test_process_one_of_another_container_is_not_taken_for_a_dead_one() -> None:
    assert process_name().split("/")[1].rpartition("-")[2].isdecimal()
