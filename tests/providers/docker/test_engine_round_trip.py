"""Each field, declared, created on a real engine and observed, is read back as it was declared."""

from __future__ import annotations

from typing import Any

import pytest

from all_words import NORMAL
from docker_forms import form_of, network_of, volume_of
from place import Place
from reconciler.files import ConfigDigest
from reconciler.observed import Health, Phase
from reconciler.ownership import files_name
from reconciler.provider import FileEntry

pytestmark = pytest.mark.engine
SLEEP = {"command": ["sleep", "300"]}
CASES: dict[str, dict[str, Any]] = {
    "process": {
        "entrypoint": ["sh", "-c"], "command": ["sleep 300"], "user": "nobody", "working_dir": "/tmp",
        "stop_signal": "SIGINT", "stop_grace_period": "1500ms",
    },
    "numbers": {**SLEEP, "user": "1000:1000", "restart": "on-failure:3", "stop_grace_period": "3s"},
    "environment": {
        **SLEEP,
        "environment": {"A": "1", "EMPTY": "", "EQ": "a=b c", "É": "ü\n2", "P": {"secret": "db"},
                        "URL": "pg://u:${secret:db}@h"},
        "labels": {"team": "x", "a.b/c": "é"},
        "restart": "on-failure:0",
    },
    "ports": {
        **SLEEP,
        "ports": {
            "81/udp": {"target": 81, "protocol": "udp"},
            "127.0.0.1:28431->80/tcp": {"target": 80, "published": 28431, "host_ip": "127.0.0.1"},
            "28432->80/tcp": {"target": 80, "published": 28432},
        },
    },
    "health": {
        **SLEEP,
        "healthcheck": {"test": ["CMD-SHELL", "true"], "interval": "1s", "timeout": "2s", "retries": 2,
                        "start_period": "500ms"},
        "restart": "always",
    },
    "no health": {**SLEEP, "healthcheck": {"disable": True}},
    "none": {**SLEEP, "healthcheck": {"test": ["NONE"]}},
    "limits": {
        **SLEEP,
        "deploy": {"resources": {"limits": {"cpus": "0.5", "memory": "64M", "pids": 50},
                                 "reservations": {"memory": "32M"}}},
    },
    "mounts": {
        **SLEEP,
        "volumes": {
            "/data": {"source": "data"}, "/ro": {"source": "data", "read_only": True},
            "/scratch": {"type": "tmpfs"}, "/gone": {"type": "discard"},
            "/etc/localtime": {"type": "bind", "source": "/etc", "read_only": True},
        },
    },
    "every word": {**SLEEP, **NORMAL},
    "no word": {**SLEEP, "init": False, "logging": {"options": {"max-size": "1m"}}, "cap_drop": ["ALL"]},
    "files": {
        **SLEEP,
        "configs": {"/etc/app": {"source": "tree"}, "/etc/one.conf": {"source": "one"}},
        "secrets": {"/run/secrets/db": {"source": "db"}},
    },
}  # fmt: skip
CONFIGS = {"one": ConfigDigest("1" * 64, "content"), "tree": ConfigDigest("2" * 64, None)}


async def supply(place: Place) -> None:
    await place.runtime.create_network(place.owner, network_of(place.owner, "default"))
    await place.runtime.create_volume(place.owner, volume_of(place.owner, "data"))
    one = [FileEntry("content", 0o444, 0, 0, b"one\n")]
    tree = [
        FileEntry("sub/a.conf", 0o440, 1000, 1000, b"a\n"),
        FileEntry("l", 0o777, 0, 0, b"", "sub/a.conf"),
    ]
    for digest, entries in (("1" * 64, one), ("2" * 64, tree)):
        name = files_name(place.owner, digest)
        await place.runtime.publish_files(place.owner, name, entries, str(place.image))


async def test_every_field_is_read_back_equal(place: Place) -> None:
    await supply(place)
    for number, (case, written) in enumerate(CASES.items(), 1):
        form = form_of(written, place.owner, CONFIGS)
        blueprint = await place.blueprint(form, number)
        await place.runtime.create_instance(blueprint, {"db": "s3cret"})
        instance = next(i for i in (await place.look()).instances if i.number == number)
        assert instance.phase is Phase.RUNNING, case
        secret = {path for path, value in form.fields.items() if "secret" in str(value)}
        wanted = {path: value for path, value in form.fields.items() if path not in secret}
        assert {path: instance.live_fields.get(path) for path in wanted} == wanted, case
        assert not secret & set(instance.live_fields), case
        assert instance.networks == tuple(use.object_name for use in form.networks), case
        if case == "files":
            await check_files(place, instance.name)
        await place.runtime.remove_instance(place.owner, instance.handle, 0.0)
    assert "s3cret" not in repr(await place.look())


async def check_files(place: Place, name: str) -> None:
    def run(command: str) -> str:
        return place.engine.cli("exec", name, "sh", "-c", command)

    assert run("cat /etc/one.conf /etc/app/sub/a.conf /etc/app/l") == "one\na\na"
    assert run("stat -c '%a %u %g' /etc/app/sub/a.conf /etc/one.conf") == "440 1000 1000\n444 0 0"
    assert run("cat /run/secrets/db; stat -c ' %a %u %g' /run/secrets/db") == "s3cret 400 0 0"
    assert run("touch /etc/app/x 2>&1; echo x 2>&1 > /etc/one.conf; true") != ""
    labels = place.engine.cli("inspect", "-f", "{{json .Config.Labels}}", name)
    assert "s3cret" not in labels


@pytest.mark.parametrize("read_only", [False, True])
async def test_a_secret_file_belongs_to_the_containers_user(place: Place, read_only: bool) -> None:
    await supply(place)
    users = {"nobody:root": "65534 0", "nobody": "65534 65534", "1234": "1234 0", "12:34": "12 34"}
    for number, (user, seen) in enumerate(list(users.items())[: 1 if read_only else None], 1):
        secrets = {
            "/run/secrets/db": {"source": "db"},
            "/etc/key": {"source": "db", "mode": 0o440, "uid": "7"},
        }
        written = {**SLEEP, "user": user, "secrets": secrets, "read_only": read_only}
        if read_only:
            written["volumes"] = {"/run": {"type": "tmpfs"}}
        blueprint = await place.blueprint(form_of(written, place.owner), number)
        await place.runtime.create_instance(blueprint, {"db": "s3cret"})
        shown = place.engine.cli("exec", blueprint.name, "stat", "-c", "%u %g %a", "/run/secrets/db")
        assert shown == f"{seen} 400", user
        key = place.engine.cli("exec", "--user", "0", blueprint.name, "stat", "-c", "%u %g %a", "/etc/key")
        assert key == "7 0 440"


async def test_healthy_since_is_on_the_engines_clock(place: Place) -> None:
    await supply(place)
    form = form_of(CASES["health"], place.owner)
    await place.runtime.create_instance(await place.blueprint(form), {})
    for _ in range(40):
        world = await place.look()
        (instance,) = world.instances
        if instance.health is Health.HEALTHY:
            break
        place.engine.cli("exec", instance.name, "sleep", "0.25")
    assert instance.health is Health.HEALTHY
    assert instance.started_at is not None
    assert instance.healthy_since is not None
    assert instance.created_at < instance.started_at < instance.healthy_since
    # The look's own time is taken with its first question.
    assert instance.healthy_since <= world.at + 1.0


async def test_removing_takes_anonymous_volumes_and_leaves_named_ones(place: Place) -> None:
    await supply(place)
    await place.runtime.create_instance(await place.blueprint(form_of(CASES["mounts"], place.owner)), {})
    instance = await place.only()
    (anonymous,) = (v for v in instance.volumes if not v.startswith(place.owner.project))
    await place.runtime.remove_instance(place.owner, instance.handle, 0.0)
    assert anonymous not in place.engine.cli("volume", "ls", "-q").split()
    assert volume_of(place.owner, "data").object_name in place.engine.cli("volume", "ls", "-q").split()
