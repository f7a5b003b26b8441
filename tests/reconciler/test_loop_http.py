"""Who may say "ask now", and what a loop counts."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from reconciler.cli.loop_health import Health
from reconciler.cli.loop_metrics import metrics_text
from reconciler.cli.loop_signature import is_proved, read_claim
from reconciler.cli.metric_text import escape_label
from reconciler.keeper import Keeper
from reconciler.ownership import Owner

SECRET, BODY, NOW = b"s3cret-of-some-length", b'{"ref":"refs/heads/main"}', 1_800_000_000.0
DIGEST = hmac.new(SECRET, BODY, hashlib.sha256).hexdigest()
SHA1 = "sha1=" + hmac.new(SECRET, BODY, hashlib.sha1).hexdigest()
Headers = list[tuple[str, str]]


def ours(stamp: int, body: bytes = BODY) -> Headers:
    digest = hmac.new(SECRET, f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return [("X-Reconciler-Signature-256", digest), ("X-Reconciler-Timestamp", str(stamp))]


def standard(stamp: int, key: bytes = SECRET, *more: str) -> Headers:
    """As GitLab signs with its signing token."""
    digest = hmac.new(key, f"id-1.{stamp}.".encode() + BODY, hashlib.sha256).digest()
    words = " ".join([*more, f"v1,{base64.b64encode(digest).decode()}"])
    return [("webhook-id", "id-1"), ("webhook-timestamp", str(stamp)), ("webhook-signature", words)]


def is_heard(headers: Headers, secret: bytes = SECRET, body: bytes = BODY) -> bool:
    claim = read_claim(headers, NOW)
    return claim is not None and is_proved(claim, body, secret)


@pytest.mark.parametrize(
    "headers",
    [
        [("X-Hub-Signature-256", f"sha256={DIGEST}")],
        [("X-Hub-Signature", SHA1), ("X-Hub-Signature-256", f"sha256={DIGEST}")],
        [("X-Hub-Signature", f"sha256={DIGEST}")],
        [("X-Gitea-Signature", DIGEST), ("X-Hub-Signature-256", f"sha256={DIGEST}")],
        [("X-Forgejo-Signature", DIGEST.upper())],
        [("X-Gitlab-Token", SECRET.decode())],
        ours(int(NOW) - 200),
        ours(int(NOW) + 200),
        standard(int(NOW)),
        standard(int(NOW), SECRET, "v1," + base64.b64encode(bytes(32)).decode(), "v1a,whatever"),
        [*standard(int(NOW)), ("X-Gitlab-Token", "another one")],
    ],
)
def test_who_knows_the_secret_is_heard(headers: Headers) -> None:
    assert is_heard(headers)
    assert not is_heard(headers, b"of another project entirely")


def test_a_signing_token_in_its_usual_spelling_is_its_bytes() -> None:
    key = bytes(range(32))
    written = b"whsec_" + base64.b64encode(key)
    assert is_heard(standard(int(NOW), key), written)
    assert not is_heard(standard(int(NOW), written), written)


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("X-Hub-Signature-256", DIGEST)],
        [("X-Hub-Signature-256", "sha256=")],
        [("X-Hub-Signature-256", "sha256=\udcff")],
        [("X-Hub-Signature-256", "sha256=" + "zz" * 32)],
        [("X-Hub-Signature-256", f"sha256={DIGEST}")] * 2,
        [("X-Hub-Signature-256", f"sha256={DIGEST}"), ("x-hub-signature-256", "sha256=" + "0" * 64)],
        [("X-Hub-Signature-256", f"sha256={DIGEST}"), ("X-Gitea-Signature", "0" * 64)],
        [("X-Hub-Signature", SHA1)],
        [("X-Gitea-Signature", DIGEST[:-1])],
        [("X-Gitlab-Token", SECRET.decode() + " ")],
        [("X-Gitlab-Token", "")],
        ours(int(NOW) - 400),
        ours(int(NOW) + 400),
        [ours(int(NOW))[0], ("X-Reconciler-Timestamp", str(int(NOW) + 1))],
        [ours(int(NOW))[0], ("X-Reconciler-Timestamp", "²")],
        [ours(int(NOW))[0], ("X-Reconciler-Timestamp", "9" * 5000)],
        [("X-Reconciler-Signature-256", ""), ("X-Gitlab-Token", SECRET.decode())],
        standard(int(NOW) - 400),
        standard(int(NOW))[1:],
        standard(int(NOW), SECRET, *["v1,AAAA"] * 4),
        [*standard(int(NOW))[:2], ("webhook-signature", "v1,=")],
    ],
)
def test_who_does_not_is_not(headers: Headers) -> None:
    assert not is_heard(headers)


def test_one_changed_byte_is_another_body() -> None:
    assert not is_heard([("X-Gitea-Signature", DIGEST)], body=BODY + b" ")


def test_metrics_are_there_before_anything_has_happened() -> None:
    health = Health()
    health.crashed("environment shop/dev", 1.0)
    health.failures["shop"] += 2
    keepers = {Owner("shop", "dev"): Keeper(Owner("shop", "dev"))}
    text = metrics_text(keepers, 0.0, health, {("shop", "accepted"): 3})
    for line in (
        'reconciler_passes_total{project="shop",environment="dev"} 0',
        'reconciler_pass_duration_seconds_bucket{project="shop",environment="dev",le="+Inf"} 0',
        'reconciler_webhook_deliveries_total{repository="shop",result="accepted"} 3',
        'reconciler_fetch_failures_total{repository="shop"} 2',
        'reconciler_faults_total{about="environment shop/dev"} 1',
    ):
        assert f"{line}\n" in text
    assert "reconciler_observation_age_seconds{" not in text
    families = [line for line in text.splitlines() if line.startswith("# TYPE ")]
    assert len(families) == len(set(families)), "a family that stands twice is refused as a whole"
    assert "\nprocess_open_fds " in text
    prefixes = ("# HELP reconciler_", "# TYPE reconciler_", "reconciler_", "process_", "# HELP process_")
    for line in text.splitlines():
        assert line.startswith((*prefixes, "# TYPE process_"))


def test_a_label_can_say_anything() -> None:
    assert escape_label('a"b\\c\nd') == 'a\\"b\\\\c\\nd'
