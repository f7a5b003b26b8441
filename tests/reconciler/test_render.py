from __future__ import annotations

from dataclasses import replace

from reconciler.actions import CreateInstance, MendInstance, RemoveNetwork, RetireInstance
from reconciler.changes import SetLimits, Start
from reconciler.decision import Block, Ender, Plan, Wait
from reconciler.desired import Desired, DesiredImage, DesiredService, ServiceForm, Subject, WantedImage
from reconciler.difference import Cause, Diff, Verdict
from reconciler.drift import ServiceDrift
from reconciler.observed import Handle, Observed, Unreadable
from reconciler.ownership import Owner
from reconciler.references import references
from reconciler.render import Style
from reconciler.render_action import _VERBS, action_id
from reconciler.render_drift import drift_json, mask_drift, overall, render_drift
from reconciler.render_mask import MASK, mask_diff
from reconciler.render_plan import plan_id, plan_json, render_plan, view_plan
from specs.reference import Digest, ImageRef
from specs.service import Service

OWNER = Owner("shop", "dev")
COMMIT = "3f2a91cd01" + "0" * 30
WEB = Subject("Service", "web")
DIGEST = Digest.parse("sha256:" + "ab" * 32)


def mend(*diffs: Diff, cause: str = "drift") -> MendInstance:
    limits = SetLimits(None, 64 << 20, None, None)
    subject = Subject("Service", "web", "shop_dev_web_0a1b2c3d_1")
    return MendInstance(subject, Cause(cause, (), diffs), Handle("here", "c1"), (limits, Start()))


def desired(**fields: object) -> Desired:
    spec = Service(image="web:1")
    form = ServiceForm(spec, "{}", dict(fields), "v1:00")  # type: ignore[arg-type] # Json by construction
    ref = ImageRef.parse("localhost:5000/web:1")
    web = DesiredService("web", form, WantedImage("web:1", None, ref), "", "start-first", 0, 1)
    return Desired(OWNER, COMMIT, services={"web": web})


def test_a_plan_reads_by_subject_with_cause_waits_and_blocks() -> None:
    plan = Plan(
        (mend(Diff("restart", "live", "always", "always", "no")),),
        (Wait(WEB, "the gate", Ender.TIME, 5.0, "ready"), Wait(WEB, "a person", Ender.OUTSIDE)),
        (Block(Subject("Volume", "data"), "PLAN019", "it exists", "move the data"),),
        "0a1b2c3d",
    )
    later = Plan((RemoveNetwork(Subject("Network", "old"), Cause("commit"), Handle("here", "n")),) * 2)
    seen = Observed(at=1.0, unreadable=(Unreadable("networks", "timed out", 0.0),))
    text = render_plan(view_plan(desired(), seen, plan, (plan, later)))
    assert text == (
        "shop/dev at 3f2a91cd01\n"
        "cannot tell (networks): timed out\n"
        "volume data\n"
        "  blocked: it exists  [PLAN019]\n"
        "    move the data\n"
        "service web\n"
        "  mend shop_dev_web_0a1b2c3d_1 in place: set its limits, start\n"
        "    drift: restart\n"
        '    restart: "no" -> "always"\n'
        "  waits: the gate\n"
        "  waits: a person (until somebody acts)\n"
        "then: remove network old ×2 (2 passes)\n"
        "prune id 0a1b2c3d\n"
        "1 action, 2 waits, 1 block\n"
    )


def test_an_interruption_is_told_before_it_happens() -> None:
    retire = RetireInstance(WEB, Cause("commit"), Handle("here", "c1"), "x_kept", 10.0, interrupts=130.0)
    now, later = Plan(waits=(Wait(WEB, "image web is built", Ender.US),)), Plan((retire,))
    text = render_plan(view_plan(desired(), Observed(at=1.0), now, (now, later)))
    assert "interrupts web for at most 130 s\n" in text
    assert "    interrupts web for at most 130 s\n" in render_plan(
        view_plan(desired(), Observed(at=1.0), later)
    )


def test_nothing_to_do_is_said() -> None:
    text = render_plan(view_plan(desired(), Observed(at=1.0), Plan()))
    assert text == "shop/dev at 3f2a91cd01\nnothing to do\n"


def test_colour_is_only_what_style_paints() -> None:
    view = view_plan(desired(), Observed(at=1.0), Plan((mend(),)))
    assert "\x1b" not in render_plan(view)
    assert "\x1b[" in render_plan(view, Style(colour=True))


def test_plan_json_has_the_promised_members() -> None:
    image = DesiredImage(
        "web", "in-1", ImageRef.parse("localhost:5000/web:in-1"), b"", "local", (), ("busybox:1",)
    )
    wanted = replace(desired(), images={"web": image})
    seen = Observed(at=1.0, artifacts={"localhost:5000/web:in-1": DIGEST})
    plan = Plan((mend(),), (Wait(WEB, "gate", Ender.TIME, 60.0),), (Block(WEB, "C", "r", "m"),))
    view = view_plan(wanted, seen, plan, (plan, Plan()))
    found = plan_json(replace(view, references=references(wanted, seen)))
    assert set(found) == {
        *("plan_id", "prune_id", "base", "settled", "actions", "waits", "blocks", "forecast", "images")
    }
    assert found["actions"] == [
        {
            "id": action_id(mend()),
            "verb": "mend",
            "subject": {
                "kind": "Service",
                "name": "web",
                "instance": {"host": "here", "id": "c1", "name": "shop_dev_web_0a1b2c3d_1", "role": "live"},
            },
            "cause": {"type": "drift", "refs": [], "diffs": []},
            "interrupts": None,
            "destructive": False,
        }
    ]
    assert found["waits"] == [
        {
            "subject": {"kind": "Service", "name": "web", "instance": None},
            "reason": "gate",
            "for": "time",
            "recheck_at": "1970-01-01T00:01:00Z",
        }
    ]
    images = found["images"]
    assert isinstance(images, dict)
    assert set(images) == {"web", "web:1"}, "what is built, and what a service runs from outside"
    assert images | {"web:1": None} == {
        "web:1": None,
        "web": {
            "input": "in-1",
            "bases": [{"ref": "busybox:1", "digest": None, "floating": True, "moved": None}],
            "built": True,
            "digest": str(DIGEST),
            "changed": [],
        },
    }


def test_a_plan_id_depends_on_what_is_done_not_on_its_order() -> None:
    one, other = mend(), RemoveNetwork(Subject("Network", "n"), Cause("prune"), Handle("here", "n"))
    forward = view_plan(desired(), Observed(at=1.0), Plan((one, other)))
    backward = view_plan(desired(), Observed(at=9.0), Plan((other, one)))
    assert plan_id(forward) == plan_id(backward)
    assert plan_id(forward) != plan_id(view_plan(desired(), Observed(at=1.0), Plan((one,))))


def test_a_live_value_is_masked_when_its_field_is_a_secret_or_unknown() -> None:
    path = "environment.DB_PASSWORD"
    told = Diff(path, "live", {"secret": "db"}, {"secret": "db"}, "hunter2")
    assert mask_diff(told, frozenset()).live == MASK
    assert mask_diff(Diff(path, "live", "a", "a", "hunter2"), frozenset({path})).live == MASK
    assert mask_diff(Diff(path, "live", "a", None, "hunter2"), frozenset()).live == MASK
    inside = Diff("environment.URL", "live", "x://${secret:db}@h", "x", "x://hunter2@h")
    assert mask_diff(inside, frozenset()).live == MASK
    assert mask_diff(Diff("restart", "live", "always", "always", "no"), frozenset()).live == "no"


def test_no_output_shows_a_secret() -> None:
    path = "environment.DB_PASSWORD"
    diff = Diff(path, "live", {"secret": "db"}, {"secret": "db"}, "hunter2")
    wanted = desired(**{path: {"secret": "db"}})
    seen = Observed(at=1.0)
    view = view_plan(wanted, seen, Plan((mend(diff),)), (Plan((mend(diff),)),))
    drifts = mask_drift([ServiceDrift("web", "drifted", (diff,))], wanted, seen)
    shown = (
        render_plan(view)
        + str(plan_json(view))
        + render_drift(drifts, wanted, seen)
        + str(drift_json(drifts))
    )
    assert "hunter2" not in shown
    assert "(masked)" in shown


def test_drift_reads_field_by_field() -> None:
    diffs = (
        Diff("restart", "live", "always", "always", "no"),
        Diff("user", "live", "1", "1", None, Verdict.CANNOT_TELL),
        Diff("image", "commit", "b", "a", None),
    )
    drift = ServiceDrift("web", "drifted", diffs, missing=1, heal=("mend",), pending=1)
    text = render_drift([drift], desired(), Observed(at=1.0))
    assert text == (
        "shop/dev at 3f2a91cd01\n"
        "service web: drifted\n"
        '  restart: applied "always", lives "no"\n'
        "  user: cannot tell\n"
        "  1 instance gone\n"
        "  a heal would: mend\n"
        "drift in 1 service; 1 difference not deployed yet\n"
    )
    assert drift_json([drift])["result"] == "drifted"


def test_a_proven_difference_outranks_an_unread_one() -> None:
    one, other = ServiceDrift("a", "cannot_tell"), ServiceDrift("b", "drifted")
    assert overall([one, other]) == "drifted"
    assert overall([one]) == "cannot_tell"
    assert overall([]) == "clean"


def test_every_action_is_listed_with_its_destruction() -> None:
    removal = RemoveNetwork(Subject("Network", "n"), Cause("prune"), Handle("here", "n"))
    found = plan_json(view_plan(desired(), Observed(at=1.0), Plan((removal,))))
    assert isinstance(found["actions"], list)
    first = found["actions"][0]
    assert isinstance(first, dict)
    assert first["destructive"] is True
    assert CreateInstance in _VERBS
