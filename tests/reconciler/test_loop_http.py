"""Who may say "ask now", and what a loop counts."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from reconciler.cli.loop_metrics import metrics_text
from reconciler.cli.loop_signature import is_signed, names_signature
from reconciler.keeper import Keeper
from reconciler.ownership import Owner

SECRET, BODY, NOW = b"s3cret", b'{"ref":"refs/heads/main"}', 1_800_000_000.0
DIGEST = hmac.new(SECRET, BODY, hashlib.sha256).hexdigest()


def ours(stamp: int, body: bytes = BODY) -> dict[str, str]:
    digest = hmac.new(SECRET, f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return {"X-Reconciler-Signature-256": digest, "X-Reconciler-Timestamp": str(stamp)}


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Hub-Signature-256": f"sha256={DIGEST}"},
        {"X-Hub-Signature": f"sha256={DIGEST}"},
        {"X-Gitea-Signature": DIGEST},
        {"X-Forgejo-Signature": DIGEST},
        {"X-Gitlab-Token": "s3cret"},
        ours(int(NOW) - 200),
        ours(int(NOW) + 200),
    ],
)
def test_who_knows_the_secret_is_heard(headers: dict[str, str]) -> None:
    assert names_signature(headers)
    assert is_signed(headers, BODY, SECRET, NOW)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Hub-Signature-256": DIGEST},
        {"X-Hub-Signature-256": "sha256="},
        {"X-Hub-Signature-256": "sha256=\udcff"},
        {"X-Hub-Signature": "sha1=" + hmac.new(SECRET, BODY, hashlib.sha1).hexdigest()},
        {"X-Gitea-Signature": DIGEST[:-1]},
        {"X-Gitlab-Token": "s3cret "},
        {"X-Gitlab-Token": ""},
        ours(int(NOW) - 400),
        ours(int(NOW) + 400),
        {**ours(int(NOW)), "X-Reconciler-Timestamp": str(int(NOW) + 1)},
        {**ours(int(NOW)), "X-Reconciler-Timestamp": "²"},
        {**ours(int(NOW)), "X-Reconciler-Timestamp": "9" * 5000},
        {"X-Reconciler-Signature-256": "", "X-Gitlab-Token": "s3cret"},
    ],
)
def test_who_does_not_is_not(headers: dict[str, str]) -> None:
    assert not is_signed(headers, BODY, SECRET, NOW)


def test_one_changed_byte_is_another_body() -> None:
    assert not is_signed({"X-Gitea-Signature": DIGEST}, BODY + b" ", SECRET, NOW)


def test_metrics_are_there_before_anything_has_happened() -> None:
    text = metrics_text({Owner("shop", "dev"): Keeper(Owner("shop", "dev"))}, 0.0)
    assert 'reconciler_passes_total{project="shop",environment="dev"} 0\n' in text
    assert "reconciler_observation_age_seconds{" not in text
    for line in text.splitlines():
        assert line.startswith(("# HELP reconciler_", "# TYPE reconciler_", "reconciler_"))
