from __future__ import annotations

import pytest

from providers.oci.mask import Mask
from providers.oci.verdict import read_retry_after

NOON = "Tue, 24 Nov 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("0", 0),
        (" 12 ", 12),
        ("99999999", 3600),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("Tue, 24 Nov 2026 12:01:30 GMT", 90),
        ("Tue, 24 Nov 2026 11:00:00 GMT", 0),
        ("Wed, 25 Nov 2026 12:00:00 GMT", 3600),
        ("Tue, 24 Nov 2026 12:00:10 -0000", 10),
    ],
)
def test_reads_retry_after(value: str | None, seconds: float | None) -> None:
    assert read_retry_after(value, NOON) == seconds


def test_a_time_without_the_answers_date_is_compared_with_ours() -> None:
    assert read_retry_after("Tue, 01 Jan 2036 00:00:00 GMT", None) == 3600
    assert read_retry_after("Tue, 01 Jan 2019 00:00:00 GMT", "nonsense") == 0


def test_the_mask_knows_a_secret_in_every_form_it_travels_in() -> None:
    mask = Mask()
    mask.learn_secret("s3cret/+word")
    mask.learn_secret("s3cret")
    for number in range(200):
        mask.learn_token(f"token{number}")
    assert mask.apply("a s3cret/+word b s3cret%2F%2Bword c czNjcmV0Lyt3b3Jk d s3cret") == (
        "a *** b *** c *** d ***"
    )
    assert mask.apply("token1 token199") == "token1 ***"
    assert mask.apply("one\ntwo\x1b[31m") == "one two [31m"
