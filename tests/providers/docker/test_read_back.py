"""What was declared is read back as it was declared, whatever it was."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from docker_forms import OWNER, blueprint_of, form_of
from providers.docker.live import NetworkNames, live_instance
from providers.docker.payload import ImageFacts, create_payload
from reconciler.desired import ServiceForm
from reconciler.files import ConfigDigest
from reconciler.observed import Instance
from simulated_inspect import VOLUMES, inspect_of

IMAGE = {
    "Cmd": ["run"],
    "Entrypoint": ["/bin/entry"],
    "Env": ["PATH=/bin", "MODE=image"],
    "Labels": {"org.example.vendor": "x", "team": "image"},
    "ExposedPorts": {"9000/tcp": {}},
    "Healthcheck": {"Test": ["CMD", "image-check"], "Retries": 7},
    "User": "app",
    "WorkingDir": "/srv",
}
FACTS = ImageFacts("sha256:" + "1" * 64, IMAGE["Labels"], entrypoint=("/bin/entry",), user="app")

words = st.text("abcdefghij-._/ =:é", min_size=1, max_size=12)
names = st.text("ABCDEFGH_", min_size=1, max_size=8)
values = st.one_of(words, st.just({"secret": "db"}), st.just("pg://u:${secret:db}@h"))
seconds = st.one_of(st.integers(1, 600).map(float), st.sampled_from([0.5, 1.5, 0.001, 59.999]))
paths = st.lists(st.text("abcdef", min_size=1, max_size=5), min_size=1, max_size=3).map(
    lambda parts: "/" + "/".join(parts)
)


@st.composite
def ports(draw: st.DrawFn) -> dict[str, Any]:
    found = {}
    for target in draw(st.lists(st.integers(1, 65535), max_size=3, unique=True)):
        published = draw(st.one_of(st.none(), st.integers(1, 65535)))
        ip = draw(st.sampled_from([None, "127.0.0.1", "::1"])) if published else None
        protocol = draw(st.sampled_from(["tcp", "udp"]))
        arrow = f"{ip + ':' if ip else ''}{published}->" if published else ""
        port = {"target": target, "published": published, "host_ip": ip, "protocol": protocol}
        found[f"{arrow}{target}/{protocol}"] = port
    return found


sources = st.sampled_from(["data", "files"])
flags = st.booleans()
mounts = st.one_of(
    st.builds(lambda n, r: {"type": "volume", "source": n, "read_only": r}, sources, flags),
    st.builds(lambda p, r: {"type": "bind", "source": p, "read_only": r}, paths, flags),
    st.builds(lambda t, r: {"type": t, "read_only": r}, st.sampled_from(["tmpfs", "discard"]), flags),
)
POLICIES = ["no", "always", "unless-stopped", "on-failure", "on-failure:0", "on-failure:3"]
healthchecks = st.one_of(
    st.just({"disable": True}),
    st.fixed_dictionaries(
        {"test": st.lists(words, max_size=3).map(lambda rest: ["CMD", *rest])},
        optional={
            "interval": seconds, "timeout": seconds, "start_period": seconds, "retries": st.integers(1, 9),
        },
    ),
)  # fmt: skip
limits = st.fixed_dictionaries(
    {},
    optional={
        "cpus": st.sampled_from(["0.5", "2", "0.123456789"]),
        "memory": st.integers(6 << 20, 1 << 40),
        "pids": st.integers(1, 4_194_304),
    },
)


hosts = st.lists(
    st.sampled_from(["10.0.0.1", "::1", "fd00::2", "host-gateway"]), min_size=1, max_size=2, unique=True
)
limit = st.integers(0, 9).map(lambda soft: {"soft": soft, "hard": 9})
sizes = st.integers(1 << 12, 1 << 40)
runtime_words: dict[str, st.SearchStrategy[Any]] = {
    "tmpfs": st.dictionaries(
        paths.map(lambda path: f"/tmpfs{path}"),
        st.fixed_dictionaries(
            {},
            optional={
                "size": sizes,
                "mode": st.integers(1, 0o1777),
                "uid": st.sampled_from(["0", "1000"]),
                "gid": st.sampled_from(["0", "1000"]),
                "exec": st.booleans(),
            },
        ),
        max_size=2,
    ),
    "read_only": st.booleans(),
    "cap_drop": st.lists(st.sampled_from(["ALL", "cap_chown", "NET_RAW"]), max_size=3),
    "group_add": st.lists(st.sampled_from(["7", "audio"]), max_size=2),
    "ulimits": st.dictionaries(st.sampled_from(["nofile", "core"]), limit, max_size=2),
    "sysctls": st.dictionaries(st.sampled_from(["net.core.somaxconn", "kernel.sem"]), words, max_size=2),
    "shm_size": sizes,
    "init": st.booleans(),
    "hostname": st.sampled_from(["a", "a.b"]),
    "domainname": st.sampled_from(["a", "a.b"]),
    "extra_hosts": st.dictionaries(st.sampled_from(["db", "a.b", "x_y"]), hosts, max_size=2),
    "dns": st.lists(st.sampled_from(["10.0.0.1", "::1"]), max_size=2),
    "dns_opt": st.lists(st.sampled_from(["ndots:2", "use-vc"]), max_size=2),
    "dns_search": st.lists(st.sampled_from([".", "a.b"]), max_size=2),
    "logging": st.fixed_dictionaries(
        {},
        optional={
            "driver": st.sampled_from(["local", "none", "syslog"]),
            "options": st.dictionaries(st.sampled_from(["max-size", "tag"]), st.just("1"), max_size=2),
        },
    ),
    "annotations": st.dictionaries(st.sampled_from(["a.b/c", "d"]), words, max_size=2),
    "stdin_open": st.booleans(),
    "tty": st.booleans(),
    "oom_score_adj": st.integers(0, 1000),
    "memswap_limit": sizes,
    "cpu_shares": st.integers(2, 262_144),
    "cpuset": st.sampled_from(["0", "0-1", "0,2-3"]),
}


@st.composite
def services(draw: st.DrawFn) -> dict[str, Any]:
    optional = {
        "command": st.lists(words, max_size=3),
        "entrypoint": st.lists(words, min_size=1, max_size=2),
        "environment": st.dictionaries(names, values, max_size=4),
        "ports": ports(),
        "volumes": st.dictionaries(paths, mounts, max_size=3),
        "configs": st.dictionaries(
            paths, st.sampled_from([{"source": "one"}, {"source": "tree"}]), max_size=2
        ),
        "healthcheck": healthchecks,
        "deploy": st.builds(lambda found: {"resources": {"limits": found}}, limits),
        "restart": st.sampled_from(POLICIES),
        "user": st.sampled_from(["1000", "1000:1000", "app"]),
        "working_dir": paths,
        "labels": st.dictionaries(st.sampled_from(["team", "a.b/c", "x"]), words, max_size=3),
        "stop_signal": st.sampled_from(["SIGTERM", "INT", "9"]),
        "stop_grace_period": seconds,
        **runtime_words,
    }  # fmt: skip
    written = draw(st.fixed_dictionaries({}, optional=optional))
    for target in written.get("configs", {}):
        written.get("volumes", {}).pop(target, None)
    return written


CONFIGS = {"one": ConfigDigest("1" * 64, "app.conf"), "tree": ConfigDigest("2" * 64, None)}


def read_back(form: ServiceForm) -> Instance:
    blueprint = blueprint_of(form)
    points = {use.volume: f"{VOLUMES}/{use.volume}/_data" for use in form.files}
    body = create_payload(blueprint, FACTS, {"db": "s3cret-value"}, points)
    container = inspect_of(blueprint.name, body, IMAGE)
    found = live_instance(OWNER, "host", container, FACTS.labels, NetworkNames(None))
    assert found is not None
    return found


@given(services())
@settings(deadline=None, max_examples=150)
def test_declared_fields_are_read_back_equal(written: dict[str, Any]) -> None:
    form = form_of(written, configs=CONFIGS)
    instance = read_back(form)
    assert instance.applied == form.canonical
    assert dict(instance.applied_fields) == dict(form.fields)
    hidden = {
        path for path, value in form.fields.items() if "secret" in str(value) or path.startswith("secrets.")
    }
    live = {path: instance.live_fields.get(path) for path in form.fields if path not in hidden}
    assert live == {path: value for path, value in form.fields.items() if path not in hidden}
    assert not {path for path in hidden if path in instance.live_fields}
    assert "s3cret-value" not in repr(instance)


@given(services())
@settings(deadline=None, max_examples=30)
def test_what_is_gone_from_the_live_object_is_seen_as_gone(written: dict[str, Any]) -> None:
    form = form_of({**written, "environment": {"KEPT": "yes"}, "labels": {"mine": "1"}}, configs=CONFIGS)
    blueprint = blueprint_of(form)
    points = {use.volume: f"{VOLUMES}/{use.volume}/_data" for use in form.files}
    container = inspect_of(blueprint.name, create_payload(blueprint, FACTS, {}, points), IMAGE)
    container["Config"]["Env"] = []
    container["Config"]["Labels"].pop("mine")
    container["HostConfig"] |= {"Memory": 0, "NanoCpus": 0, "PidsLimit": None}
    container["Mounts"] = []
    instance = live_instance(OWNER, "host", container, FACTS.labels, NetworkNames(None))
    assert instance is not None
    gone = ("environment.", "labels.mine", "deploy.", "volumes.", "configs.")
    for path in form.fields:
        if path.startswith(gone):
            assert instance.live_fields[path] is None, path
