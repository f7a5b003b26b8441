from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest

from reconciler.actions import Action, MendInstance
from reconciler.changes import SetLimits, Start
from reconciler.desired import Subject
from reconciler.difference import Cause, Diff
from reconciler.observed import Handle
from reconciler.ownership import Owner
from reconciler.render import escape, format_duration, format_time, format_value, short_commit
from reconciler.render_action import _VERBS, action_id, describe, describe_cause, verb_of
from reconciler.render_markdown import MAX_BYTES, escape_inline, fence
from reconciler.render_mask import MASK

OWNER = Owner("shop", "dev")
COMMIT = "3f2a91cd01" + "0" * 30
WEB = Subject("Service", "web")


def mend(*diffs: Diff, cause: str = "drift") -> MendInstance:
    limits = SetLimits(None, 64 << 20, None, None)
    subject = Subject("Service", "web", "shop_dev_web_0a1b2c3d_1")
    return MendInstance(subject, Cause(cause, (), diffs), Handle("here", "c1"), (limits, Start()))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ü", "plain ü"),
        ("\x1b[2J", "\\x1b[2J"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\x9b31m", "\\x9b31m"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_nothing_that_drives_a_terminal_is_printed(text: str, shown: str) -> None:
    assert escape(text) == shown


def test_long_text_is_cut() -> None:
    assert escape("x" * 50, 10) == "x" * 9 + "…"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-3, "0 s"), (0.44, "0.4 s"), (9, "9 s"), (59, "59 s"), (180, "3 min"), (18000, "5 h"), (400000, "5 d")],
)
def test_durations_have_one_unit(seconds: float, words: str) -> None:
    assert format_duration(seconds) == words


def test_times_are_utc_and_absent_is_null() -> None:
    assert format_time(1_700_000_000.9) == "2023-11-14T22:13:20Z"
    assert format_time(None) is None


def test_values_show_a_secret_by_name_only() -> None:
    assert format_value({"secret": "db-password"}) == "secret db-password"
    assert format_value(MASK) == "(masked)"
    assert format_value(None) == "nothing"
    assert format_value("a\x1b") == '"a\\u001b"'


def test_a_short_commit_is_only_made_of_an_id() -> None:
    assert short_commit(COMMIT) == "3f2a91cd01"
    assert short_commit("worktree") == "worktree"
    assert short_commit("") == "no commit"


def test_every_action_has_a_verb() -> None:
    assert set(_VERBS) == set(get_args(Action))
    assert len(set(_VERBS.values())) == len(_VERBS)


def test_an_action_has_the_same_id_in_every_pass() -> None:
    first, second = mend(), mend(cause="commit")
    assert action_id(first) == action_id(second)
    assert action_id(replace(first, subject=WEB)) != action_id(first)
    assert verb_of(first) == "mend"


def test_an_action_reads_in_one_line() -> None:
    assert describe(mend()) == "mend shop_dev_web_0a1b2c3d_1 in place: set its limits, start"
    cause = Cause("drift", (), (Diff("deploy.resources.limits.memory", "live", 1, 1, 2),))
    assert describe_cause(cause) == "drift: deploy.resources.limits.memory"
    assert describe_cause(Cause("input", tuple("abcdef"))) == "input: a, b, c, d and 2 more"


def test_markdown_calls_nobody_and_ends_where_it_should() -> None:
    hostile = "@everyone ```\n</details><script>\n#123"
    text = escape_inline("Plan @team <b>1</b> action") + fence(hostile)
    assert "@everyone" not in text
    assert "@team" not in text
    assert "#123" not in text
    assert "<b>" not in text
    assert text.count("````") == 2
    assert fence("a").startswith("```text\n")
    assert "busybox@sha256:ab" in fence("busybox@sha256:ab")
    assert escape_inline("a|b\nc") == "a\\|b c"


def test_markdown_is_capped_on_a_line_end() -> None:
    text = fence("x" * 99 + "\n" + ("y" * 99 + "\n") * 2000)
    assert len(text.encode()) <= MAX_BYTES + 100
    assert "cut here" in text
