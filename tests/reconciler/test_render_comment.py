"""Comments: what they say, and that nothing in them is obeyed, linked, called or hidden."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from outputs import COMMIT, action, diff, drift, drifted, envelope, plan, problem, read, subject
from reconciler.desired import Json
from reconciler.outputs.read import read_outputs
from reconciler.render_comment import Topic, read_topic, render_comment

TOPIC = Topic("plan", "shop", "dev")
OURS = {"<details>", "</details>", "<summary>", "</summary>"}
HOSTILE = [
    "@everyone and @team/ops",
    "fixes #1, !2, GH-3, shop/web#4",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "--><!-- reconciler:plan:shop/prod -->",
    "[x](https://evil.example) ![y](https://evil.example/p.png) https://evil.example www.evil.example",
    "</details>\n\n# heading\n\n/merge\n/close",
    "`code` ``more`` ```\n~~~\n\n| a | b |\n|---|---|",
    "a\\|b \\",
    "zero\u200bwidth \u202egnp.exe\u202c \u2066x\u2069 \ufeff",
    "::set-output name=a::b\n::add-mask::x ##[error]x ##vso[task.complete]",
    "\x1b[31mred\x1b[0m\r\x1b[0Ksection_start:1:x\r",
]


def texts(word: str) -> list[dict[str, Json]]:
    """Outputs in which everything that is text is this word."""
    made = action(
        "create", word, word, cause={"type": "commit", "refs": [word], "diffs": [diff(word, word, word)]}
    )
    made |= {"verb": word, "id": word, "interrupts": {"max_s": 4.2}}
    told = problem(word, code=word, file=word, subject=word, expected=word, remedy=word)
    wait = {"subject": subject(word), "reason": word, "for": "outside", "recheck_at": None}
    block = {"subject": subject(word), "code": word, "reason": word, "remedy": word}
    unread = [{"what": word, "reason": word, "since": None}]
    members: dict[str, Any] = {"problems": [told], "unreadable": unread, "commit": word, "tool": word}
    lived = drifted("web", diff(word, word, word, "live"), extra=[subject(word, instance=word)], heal=[word])
    lived |= {"heal_steps": [word], "withheld": word}
    lived |= {"seen": [{"at": None, "action": word, "container": word, "facts": {word: word}}]}
    lived |= {"missing": 2, "ignored": [{"path": word, "reason": word, "until": word}]}
    return [
        plan([made], waits=[wait], blocks=[block], **members),
        drift(lived, **members),
        envelope("plan", **members),
    ]


def outside_of_code(text: str) -> tuple[list[Token], str]:
    """The tokens, and all words that stand outside of code."""
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    found = [inner for token in tokens for inner in (token.children or [token])]
    return found, " ".join(t.content for t in found if t.type not in ("code_inline", "fence", "html_block"))


def check_harmless(text: str) -> None:
    tokens, words = outside_of_code(text)
    kinds = {token.type for token in tokens}
    assert not kinds & {"link_open", "image", "html_inline", "code_block"}, kinds
    for token in tokens:
        if token.type == "html_block":
            markup = token.content.strip()
            is_ours = read_topic(markup) is not None or set(_tags(markup)) <= OURS
            assert is_ours, markup
    for bad in ("@", "#", "<", "://", "www.", "evil", "set-output"):
        assert bad not in words, (bad, words)
    hidden = {c for c in text if unicodedata.category(c) in ("Cf", "Cc", "Co", "Cs") and c not in "\n\u2060"}
    assert not hidden
    assert not [line for line in text.splitlines() if line.lstrip().startswith(("::", "/"))]
    assert "##[" not in text
    assert len(text.encode()) < 65_536


def _tags(markup: str) -> list[str]:
    return [f"<{part.partition('>')[0]}>" for part in markup.split("<")[1:]]


@pytest.mark.parametrize("word", HOSTILE)
def test_nothing_from_outside_is_obeyed(word: str) -> None:
    for value in texts(word):
        topic = Topic(str(value["schema"]).split("/")[1], "shop", "dev")
        text = render_comment(read(value), topic)
        assert text.startswith(f"{topic.marker}\n### ")
        assert read_topic(text) == topic
        check_harmless(text)


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="ab`~\n\\|@#<>[]()!*_:/.&$%\u200b\u202e\x1b", max_size=60))
def test_no_text_leaves_its_code(word: str) -> None:
    for value in texts(word):
        tokens, _ = outside_of_code(render_comment(read(value), TOPIC))
        kinds = {token.type for token in tokens}
        assert not kinds & {"link_open", "image", "html_inline", "code_block", "hr", "blockquote_open"}
        assert sum(token.type == "heading_open" for token in tokens) == 1


def test_a_plan_reads_as_a_table_with_the_rest_folded_away() -> None:
    cause = {"type": "commit", "refs": ["file app"], "diffs": [diff("user", "1", "2")]}
    replaced = [action("create", "web", cause=cause), action("put-marker", "web")]
    later = [action("retire", "web", cause=cause, interrupts={"max_s": 9.1})]
    value = plan([action("build", "web", "Image"), *replaced], later, [action("remove", "old")])
    assert render_comment(read(value), TOPIC) == (
        "<!-- reconciler:plan:shop/dev -->\n"
        "### Plan for shop/dev at `3f2a91cd01`\n"
        "\n"
        "| create | replace | in place | remove | build | other | interrupts | waits | blocks |\n"
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"
        "| 0 | **1** | 0 | **1** | **1** | 0 | **1** | 0 | 0 |\n"
        "\n"
        "<details><summary>3 changes</summary>\n"
        "\n"
        "| what | change | why | interrupts |\n"
        "| --- | --- | --- | --- |\n"
        "| `Image web` | build | `commit` |  |\n"
        "| `Service old` | remove | `commit` |  |\n"
        "| `Service web` | replace: `create, retire` | `commit: file app` | at most 10 s |\n"
        "\n"
        "</details>\n"
        "\n"
        "<details><summary>Fields, causes and waits</summary>\n"
        "\n"
        "```text\n"
        "Service web: file app\n"
        '  user: "1" -> "2"\n'
        "```\n"
        "\n"
        "</details>\n"
    )


def test_what_nobody_may_miss_is_never_folded() -> None:
    block = {
        "subject": subject("data", "Volume"),
        "code": "PLAN019",
        "reason": "it exists",
        "remedy": "move it",
    }
    unread = [{"what": "networks", "reason": "timed out", "since": None}]
    text = render_comment(read(plan(blocks=[block], unreadable=unread)), TOPIC)
    head = text.partition("<details>")[0]
    assert (
        "blocked: Volume data: it exists  [PLAN019]\n  move it\ncannot tell (networks): timed out\n" in head
    )


def test_drift_names_field_and_service() -> None:
    value = drift(drifted("web", diff("restart", "always", "no", "live")), drifted("db"), pending=2)
    text = render_comment(read(value), Topic("drift", "shop", "dev"))
    assert "**drift** in 1 service; 2 differences not deployed yet\n" in text
    assert "| `web` | drifted |  | `restart` | `mend` |\n" in text
    assert '  restart: applied "always", lives "no"\n' in text
    assert "`db`" not in text
    assert "no drift in 1 service\n" in render_comment(read(drift(drifted("db"))), TOPIC)


def test_a_plan_that_failed_says_why() -> None:
    value = envelope("plan", exit=1, owner=None, problems=[problem()])
    text = render_comment(read(value), Topic("plan", None, "dev"))
    assert text.startswith("<!-- reconciler:plan:/dev -->\n### Plan for dev")
    assert (
        'specs/shop.yaml:12:3: Service web: unknown field "prots" (did you mean "ports"?)  [SPEC012]' in text
    )


def test_no_comment_is_longer_than_forges_take() -> None:
    wide = "漢" * 200
    steps = [
        action("create", f"s{n}{wide}", cause={"type": "commit", "refs": [wide], "diffs": []})
        for n in range(2000)
    ]
    told = [problem(wide) for _ in range(500)]
    for value in (
        plan(steps, problems=told),
        drift(*[drifted(f"s{n}", diff(wide, wide, 1, "live")) for n in range(900)]),
    ):
        text = render_comment(read(value), TOPIC)
        assert 20_000 < len(text.encode()) < 65_536
        assert "cut here" in text
        assert text.count("<details>") == text.count("</details>")


def test_a_masked_value_stays_masked_and_a_secret_has_its_name() -> None:
    hidden = diff("environment.PASSWORD", {"secret": "db"}, {"masked": True}, "live")
    text = render_comment(read(drift(drifted("web", hidden))), TOPIC)
    assert "environment.PASSWORD: applied secret db, lives (masked)" in text


def test_a_topic_is_found_again_also_where_a_verb_failed_early() -> None:
    whole, early, other = TOPIC, Topic("plan", None, "dev"), Topic("plan", "shop", "prod")
    assert read_topic(f"{whole.marker}\r\nx") == whole
    assert read_topic(f"{early.marker}\n") == early
    assert early.is_of(whole)
    assert whole.is_of(early)
    assert not other.is_of(whole)
    assert not Topic("drift", "shop", "dev").is_of(whole)
    assert read_topic(f"x {whole.marker}\n") is None
    assert read_topic("<!-- reconciler:plan:Shop/dev -->\n") is None


def test_an_output_about_several_environments_is_several() -> None:
    one = plan()
    parts = [
        {
            **{k: one[k] for k in one if k not in ("tool", "at")},
            "owner": {"project": "shop", "environment": e},
        }
        for e in "ab"
    ]
    found = read_outputs({**envelope("plan", owner=None), "environments": list[Json](parts)})
    assert [output.owner and output.owner.environment for output in found] == ["a", "b"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"owner": {"project": "--><script>", "environment": "dev"}}, "owner.project"),
        ({"actions": "none"}, "actions"),
        ({"exit": "0"}, "exit"),
        ({"forecast": [{"pass": 1}]}, "forecast.0.actions"),
        ({"at": "now"}, "at"),
    ],
)
def test_what_is_no_output_is_refused_with_the_member(change: dict[str, Json], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        read({**plan(), **change})
    read({**json.loads(json.dumps(plan())), "more": {"added": "later"}})


def test_an_offline_plan_shows_policy_and_what_nobody_was_asked() -> None:
    policy = [{"subject": "Environment prod", "path": "allow", "before": [], "after": ["@all"]}]
    unknown = [{"what": "drift", "reason": "nobody was asked"}, {"what": "built", "reason": "x"}]
    value = plan(mode="offline", base=COMMIT, presence="new", policy=policy, unknown=unknown, prune_id="0a1b")
    text = render_comment(read(value), TOPIC)
    assert "The environment is **new**.\n" in text
    assert "**Policy** changed here; shown, not used:\n\n```text\nEnvironment prod: allow: [] -> [" in text
    assert "Not asked, so not known: `drift, built`\n" in text
    assert "what goes has the prune id 0a1b\n" in text.partition("<details>")[0]
    assert "@all" not in text
