"""One look at recorded engines: what is seen, and what is said where something cannot be read."""

from __future__ import annotations

import pytest

from canned_engine import VERSIONS, CannedEngine
from docker_forms import OWNER
from providers.docker import DockerRuntime
from reconciler.observed import Health, Marker, Phase
from reconciler.ownership import OWNER as OWNER_LABEL
from reconciler.ownership import Owner, Role
from reconciler.provider import ProviderError, Question, World

WEB = "shop_prod_web"


@pytest.fixture(params=VERSIONS)
def engine(request: pytest.FixtureRequest) -> CannedEngine:
    return CannedEngine.recorded(str(request.param))


async def look(engine: CannedEngine, *names: str, owner: Owner = OWNER) -> World:
    return await DockerRuntime(engine=engine).observe(Question(owner, names))


def whats(world: World) -> list[str]:
    return [unreadable.what for unreadable in world.unreadable]


async def test_a_healthy_instance(engine: CannedEngine) -> None:
    world = await look(engine)
    seen = next(i for i in world.instances if i.number == 1)
    assert (seen.service_name, seen.role, seen.phase, seen.health) == (
        "web", Role.LIVE, Phase.RUNNING, Health.HEALTHY,
    )  # fmt: skip
    assert {p: seen.live_fields[p] for p in seen.applied_fields if p != "environment.P"} == {
        p: value for p, value in seen.applied_fields.items() if p != "environment.P"
    }
    assert "environment.P" not in seen.live_fields
    assert seen.started_at is not None
    assert seen.healthy_since is not None
    assert seen.created_at < seen.started_at < seen.healthy_since <= world.at
    assert seen.last_health_output == "\\x1b[31mred\n"
    assert [name.rpartition("_")[0] for name in seen.networks] == ["shop_prod_back", "shop_prod_default"]
    assert len(seen.volumes) == 3
    assert world.unreadable == ()


async def test_failed_instances_say_how(engine: CannedEngine) -> None:
    by_number = {i.number: i for i in (await look(engine)).instances}
    fault, port, ended, starved = (by_number[number] for number in (2, 3, 4, 5))
    assert (fault.phase, fault.exit_code, fault.started_at) == (Phase.CREATED, 127, None)
    assert "/no/such" in fault.error
    assert (port.phase, port.exit_code) == (Phase.CREATED, 128)
    assert "28433" in port.error
    assert (ended.phase, ended.exit_code, ended.exits, ended.restart) == (Phase.EXITED, 3, 1, "no")
    assert ended.finished_at is not None
    assert (starved.phase, starved.out_of_memory) == (Phase.EXITED, True)


async def test_networks_volumes_and_markers(engine: CannedEngine) -> None:
    world = await look(engine)
    assert sorted((n.name, n.fields["internal"], len(n.members)) for n in world.networks) == [
        ("back", False, 1),
        ("back", True, 0),
        ("default", False, 5),
    ]
    assert next(n.fields for n in world.networks if n.fields["internal"])["labels.team"] == "x"
    roles = {(volume.name.split("_")[-1][:4], volume.role, volume.finished) for volume in world.volumes}
    assert roles == {("data", "data", True), ("1111", "files", True), ("2222", "files", False)}
    (marker,) = world.markers
    assert (marker.kind, marker.subject, marker.sequence, marker.value) == ("release", "web", 2, '{"a":1}')


async def test_strangers_hold_names_and_ports(engine: CannedEngine) -> None:
    world = await look(engine, "shop_prod_stranger", "bridge", f"{WEB}_none_1")
    assert [(n.kind, n.object_name, n.owner) for n in world.namesakes] == [
        ("container", "shop_prod_stranger", None),
        ("network", "bridge", None),
    ]
    assert world.ports == {28434: "container shop_prod_stranger"}


async def test_another_owner_sees_our_ports_and_names_as_a_strangers(engine: CannedEngine) -> None:
    name = engine.container("_1")["Name"].lstrip("/")
    world = await look(engine, name, owner=Owner("shop", "dev"))
    assert (world.instances, world.networks, world.volumes, world.markers) == ((), (), (), ())
    assert [(n.object_name, n.owner) for n in world.namesakes] == [(name, "shop/prod")]
    assert set(world.ports) == {28433, 28434}


async def test_an_inspect_that_fails_makes_its_service_unreadable_alone(engine: CannedEngine) -> None:
    for status in (0, 500):
        engine.failing = {f"/containers/{engine.container('_1')['Id']}/json": status}
        world = await look(engine)
        assert whats(world) == ["service:web"]
        assert {i.number for i in world.instances} == {2, 3, 4, 5}
        assert len(world.networks[-1].members) == 5  # members come from the list
        assert 28433 not in world.ports  # it is still ours


async def test_an_instance_that_went_away_meanwhile_is_gone(engine: CannedEngine) -> None:
    engine.failing = {f"/containers/{engine.container('_1')['Id']}/json": 404}
    world = await look(engine)
    assert whats(world) == []
    assert {i.number for i in world.instances} == {2, 3, 4, 5}


@pytest.mark.parametrize(
    ("path", "unreadable"),
    [
        ("/containers/json", ["instances", "namesakes", "networks", "volumes"]),
        ("/networks", ["namesakes", "networks"]),
        ("/volumes", ["markers", "namesakes", "volumes"]),
    ],
)
@pytest.mark.parametrize("status", [0, 500])
async def test_a_list_that_failed_is_no_empty_list(
    engine: CannedEngine, path: str, unreadable: list[str], status: int
) -> None:
    engine.failing = {path: status}
    assert whats(await look(engine)) == unreadable


async def test_without_networks_an_instance_keeps_its_own(engine: CannedEngine) -> None:
    engine.failing = {"/networks": 500}
    seen = next(i for i in (await look(engine)).instances if i.number == 1)
    assert (len(seen.networks), seen.missing_networks) == (2, ())


async def test_without_the_clock_a_look_goes_on(engine: CannedEngine) -> None:
    engine.failing = {"/info": 500}
    world = await look(engine)
    assert (whats(world), len(world.instances)) == ([], 5)


async def test_nothing_at_all_is_an_error(engine: CannedEngine) -> None:
    engine.failing = dict.fromkeys(engine.answers, 0)
    with pytest.raises(ProviderError) as raised:
        await look(engine)
    assert raised.value.code == "DKR003"


async def test_labels_from_the_image_never_make_a_container_ours(engine: CannedEngine) -> None:
    container = engine.container("_1")
    image = engine.answers[f"/images/{container['Image']}/json"]
    image["Config"]["Labels"] = {OWNER_LABEL: str(OWNER)}
    name = container["Name"].lstrip("/")
    world = await look(engine, name)
    assert world.instances == ()
    assert [(n.kind, n.object_name) for n in world.namesakes] == [("container", name)]
    assert 28433 in world.ports


async def test_an_image_is_inspected_once_for_all_its_instances(engine: CannedEngine) -> None:
    runtime = DockerRuntime(engine=engine)
    for _ in range(2):
        await runtime.observe(Question(OWNER))
    assert len([path for path in engine.asked if path.startswith("/images/")]) == 1


async def test_a_renamed_instance_has_no_number_and_an_edited_label_no_fields(engine: CannedEngine) -> None:
    container = engine.container("_1")
    container["Name"] = "/something-else"
    container["Config"]["Labels"]["reconciler.spec"] = "bm90IHppcHBlZA=="
    seen = next(i for i in (await look(engine)).instances if i.name == "something-else")
    assert (seen.number, seen.role, seen.applied, dict(seen.applied_fields)) == (None, Role.LIVE, None, {})
    assert not [path for path in seen.live_fields if path.startswith("environment.")]


async def test_an_endpoint_whose_network_is_gone_is_missing(engine: CannedEngine) -> None:
    engine.answers["/networks"] = [n for n in engine.answers["/networks"] if "back" not in n["Name"]]
    seen = next(i for i in (await look(engine)).instances if i.number == 1)
    assert [name.split("_")[2] for name in seen.networks] == ["default"]
    assert [name.split("_")[2] for name in seen.missing_networks] == ["back"]


async def test_every_marker_of_a_subject_comes_and_nothing_forged(engine: CannedEngine) -> None:
    volumes = engine.answers["/volumes"]["Volumes"]
    old = next(volume for volume in volumes if "_marker_" in volume["Name"])
    newer = {
        **old,
        "Name": old["Name"].replace("_2", "_10"),
        "Labels": {**old["Labels"], "reconciler.value": "b"},
    }
    forged = {**old, "Name": "shop_prod_marker_release_web_x", "Labels": old["Labels"]}
    volumes += [newer, forged]
    older, marker = (await look(engine)).markers
    assert (older.sequence, older.object_name) == (2, old["Name"])
    assert marker == Marker("release", "web", 10, "b", newer["Name"])


async def test_unhealthy_without_a_failed_probe_is_not_yet_known(engine: CannedEngine) -> None:
    state = engine.container("_1")["State"]
    state["Health"] |= {"Status": "unhealthy", "FailingStreak": 0}  # seen after a pause
    assert next(i for i in (await look(engine)).instances if i.number == 1).health is Health.STARTING
    state["Health"]["FailingStreak"] = 3
    assert next(i for i in (await look(engine)).instances if i.number == 1).health is Health.UNHEALTHY
