"""Whose fault a failed build is. The texts are what engines 20.10 and 26.1 with buildx 0.13 said."""

from __future__ import annotations

import pytest

from providers.buildx.progress import Progress, Step
from providers.buildx.verdict import verdict
from reconciler.provider import ProviderError, Refused


@pytest.mark.parametrize(
    ("reason", "kind", "code"),
    [
        ("executor failed running [/bin/sh -c timeout 1 x]: exit code: 3", Refused, "BLD010"),
        ('process "/bin/sh -c echo 503" did not complete successfully: exit code: 1', Refused, "BLD010"),
        (
            "dockerfile parse error on line 1: unknown instruction: FROMM (did you mean FROM?)",
            Refused,
            "BLD012",
        ),
        ("dockerfile parse error on line 2: unterminated heredoc (EOF)", Refused, "BLD012"),
        ("failed to create LLB definition: 127.0.0.1:5000/nope:1: not found", Refused, "BLD012"),
        ('failed to calculate checksum of ref a::b: "/nope": not found', Refused, "BLD012"),
        ("Multi-platform build is not supported for the docker driver.", Refused, "BLD015"),
        ("denied: requested access to the resource is denied", Refused, "BLD011"),
        ("failed to fetch oauth token: unexpected status: 401 Unauthorized", Refused, "BLD011"),
        ("no basic auth credentials", Refused, "BLD011"),
        (
            'Head "https://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused',
            ProviderError,
            "BLD022",
        ),
        ("toomanyrequests: You have reached your pull rate limit", ProviderError, "BLD022"),
        ("received unexpected HTTP status: 503 Service Unavailable", ProviderError, "BLD022"),
        ("dial tcp: lookup registry.example.com: no such host", ProviderError, "BLD022"),
        ("write /var/lib/docker/tmp/x: no space left on device", ProviderError, "BLD021"),
        (
            "Cannot connect to the Docker daemon at unix:///x.sock. Is the docker daemon running?",
            ProviderError,
            "BLD020",
        ),
        ("something that nobody has seen", ProviderError, "BLD023"),
    ],
)
def test_the_fault_is_told_from_the_words(reason: str, kind: type[ProviderError], code: str) -> None:
    progress = Progress(lambda _: None, is_json=True)
    progress.steps["a"] = Step("[2/2] RUN x", reason)
    progress.steps["a"].lines.extend(["one", "two"])
    error = verdict(progress, 1, "build of x")
    assert (type(error), error.code) == (kind, code)
    assert list(error.log) == ["[2/2] RUN x", "one", "two"]
    assert error.remedy

    alone = Progress(lambda _: None, is_json=True)
    alone.said.append(f"ERROR: failed to solve: {reason}")
    assert verdict(alone, 1, "build of x").code == code


def test_without_a_word_the_status_is_told() -> None:
    error = verdict(Progress(lambda _: None, is_json=True), 137, "build of x")
    assert error.seen == "exit status 137"
    assert not isinstance(error, Refused)
