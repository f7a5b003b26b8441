"""What a Dockerfile builds on, and the bytes that pinning replaces."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specs.dockerfile import pin, read_dockerfile
from specs.reference import Digest, ImageRef

DIGEST = Digest("sha256:" + "a" * 64)
SHA = f"@{DIGEST}"


def _pinned(text: str, args: dict[str, str] | None = None, **options: tuple[str, ...]) -> str:
    read = read_dockerfile(text.encode(), args or {}, **options)
    assert read.faults == ()
    digests = {
        reference: ImageRef.parse(reference).with_digest(DIGEST)
        for reference in read.references
        if reference not in options.get("contexts", ())
    }
    digests |= {
        name: ImageRef.parse(f"reg.test/{name}").with_digest(DIGEST) for name in options.get("contexts", ())
    }
    return pin(text.encode(), read.bases, digests).decode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM redis:7\n", f"FROM redis{SHA}\n"),
        ("from redis:7 as X\n", f"from redis{SHA} as X\n"),
        ("  FROM\tredis:7  \t\r\nRUN x\r\n", f"  FROM\tredis{SHA}  \t\r\nRUN x\r\n"),
        ("\ufeffFROM redis", f"\ufeffFROM redis{SHA}"),
        ("FROM --platform=$BUILDPLATFORM a AS b\n", f"FROM --platform=$BUILDPLATFORM a{SHA} AS b\n"),
        ("ARG V=7\nFROM redis:${V}\n", f"ARG V=7\nFROM redis{SHA}\n"),
        ("ARG V\nFROM redis:${V:-7}\n", f"ARG V\nFROM redis{SHA}\n"),
        ("ARG V=x\nFROM redis:7${V:+-alpine}\n", f"ARG V=x\nFROM redis{SHA}\n"),
        ("ARG A='q r' B=\"7\"\nFROM redis:$B\n", f"ARG A='q r' B=\"7\"\nFROM redis{SHA}\n"),
        (
            "FROM a AS one\nFROM One\nCOPY --from=ONE / /\n",
            f"FROM a{SHA} AS one\nFROM One\nCOPY --from=ONE / /\n",
        ),
        ("FROM scratch\nCOPY --from=0 / /\n", "FROM scratch\nCOPY --from=0 / /\n"),
        (
            "FROM scratch\nCOPY --chown=1 --from=nginx:1 / /\n",
            f"FROM scratch\nCOPY --chown=1 --from=nginx{SHA} / /\n",
        ),
        (
            "FROM scratch\nRUN --mount=type=bind,from=go:1,target=/b --mount=type=cache,target=/c x\n",
            f"FROM scratch\nRUN --mount=type=bind,from=go{SHA},target=/b --mount=type=cache,target=/c x\n",
        ),
        ("FROM scratch\nRUN --mount=from=go:1 x\n", f"FROM scratch\nRUN --mount=from=go{SHA} x\n"),
        ("# syntax=docker/dockerfile:1\nFROM a\n", f"# syntax=docker/dockerfile{SHA}\nFROM a{SHA}\n"),
        ("#syntax = d/f:1 x\nFROM scratch\n", f"#syntax = d/f{SHA} x\nFROM scratch\n"),
        ("# a comment\n# syntax=d/f:1\nFROM a\n", f"# a comment\n# syntax=d/f:1\nFROM a{SHA}\n"),
        (
            "# escape=`\nFROM `\n  a\nRUN c:\\\nFROM b\n",
            f"# escape=`\nFROM `\n  a{SHA}\nRUN c:\\\nFROM b{SHA}\n",
        ),
        ("FROM \\\n# note\n\n  a \\\n  AS b\nFROM b\n", f"FROM \\\n# note\n\n  a{SHA} \\\n  AS b\nFROM b\n"),
        ("FROM al\\\npine AS x\n", f"FROM alpine{SHA} AS x\n"),
        ("FROM a\nRUN echo \\\n  FROM b\n", f"FROM a{SHA}\nRUN echo \\\n  FROM b\n"),
        ("FROM a\nRUN <<EOF\nFROM b\nEOF\nFROM c\n", f"FROM a{SHA}\nRUN <<EOF\nFROM b\nEOF\nFROM c{SHA}\n"),
        (
            "FROM a\nCOPY <<'A' <<-\"B\" /\nFROM b\nA\nFROM b\n\tB\nFROM c\n",
            f"FROM a{SHA}\nCOPY <<'A' <<-\"B\" /\nFROM b\nA\nFROM b\n\tB\nFROM c{SHA}\n",
        ),
        (
            'FROM a\nRUN x <<"A B"\nFROM b\nA B\nFROM c\n',
            f'FROM a{SHA}\nRUN x <<"A B"\nFROM b\nA B\nFROM c{SHA}\n',
        ),
        ("FROM a\nRUN x <<< y\nFROM c\n", f"FROM a{SHA}\nRUN x <<< y\nFROM c{SHA}\n"),
        ("FROM a@sha256:" + "b" * 64, f"FROM a{SHA}"),
        ("FROM a:1\nCOPY --from=a:1 / /", f"FROM a{SHA}\nCOPY --from=a{SHA} / /"),
        ("FROM a\nONBUILD COPY --from=zz / /\n", f"FROM a{SHA}\nONBUILD COPY --from=zz / /\n"),
        ("FROM 'a:1'\n", f"FROM a{SHA}\n"),
        (
            "FROM é AS x\n".replace("é", "a") + "LABEL ü=ß\nFROM b\n",
            f"FROM a{SHA} AS x\nLABEL ü=ß\nFROM b{SHA}\n",
        ),
    ],
)
def test_references_are_replaced_and_nothing_else(text: str, expected: str) -> None:
    assert _pinned(text) == expected


def test_build_arguments_platforms_and_contexts_decide() -> None:
    assert _pinned("ARG V=1\nFROM redis:$V\n", {"V": "2"}) == f"ARG V=1\nFROM redis{SHA}\n"
    read = read_dockerfile(b"ARG V=1\nFROM redis:$V\n", {"V": "2"})
    assert read.references == ("redis:2",)
    assert read_dockerfile(b"FROM x:$TARGETARCH", {}, ("linux/arm64",)).references == ("x:arm64",)
    stages = b"FROM scratch AS s-amd64\nFROM scratch AS s-arm64\nFROM s-$TARGETARCH\n"
    assert read_dockerfile(stages, {}, ("linux/arm64", "linux/amd64")).faults == ()
    text = "FROM base\nCOPY --from=base / /\nFROM redis\n"
    assert (
        _pinned(text, contexts=("base",))
        == f"FROM reg.test/base{SHA}\nCOPY --from=reg.test/base{SHA} / /\nFROM redis{SHA}\n"
    )


@pytest.mark.parametrize(
    ("text", "line", "code"),
    [
        ("", 1, "IMG002"),
        ("RUN x\n", 1, "IMG002"),
        ("FROM a b c d\n", 1, "IMG002"),
        ("FROM a\nRUN <<EOF\nx\n", 2, "IMG002"),
        ("// syntax=a\nFROM a", 1, "IMG002"),
        ("FROM a\n\nFROM $X\n", 3, "IMG003"),
        ("ARG X\nFROM $X\n", 2, "IMG003"),
        ("FROM x:$TARGETARCH\n", 1, "IMG003"),
        ("FROM x:$BUILDARCH\n", 1, "IMG003"),
        ("FROM ${X:?none}\n", 1, "IMG003"),
        ("FROM ${X\n", 1, "IMG003"),
        ("FROM ${X%a}\n", 1, "IMG003"),
        ("FROM scratch\nARG V=1\nCOPY --from=a:$V / /\n", 3, "IMG003"),
        ("FROM scratch\nRUN --mount=from=$V x\n", 2, "IMG003"),
        ("FROM UPPER/case\n", 1, "IMG004"),
        ("FROM scratch\nCOPY --from=5! / /\n", 2, "IMG004"),
        ("FROM scratch\nADD https://example.com/x /\n", 2, "IMG005"),
        ('FROM scratch\nADD ["https://example.com/x", "/"]\n', 2, "IMG005"),
        ("FROM scratch\nADD git@github.com:a/b.git /\n", 2, "IMG005"),
        ("FROM scratch\nADD https://example.com/a.git#main /\n", 2, "IMG005"),
        ("FROM scratch\nARG U=https://example.com\nADD $U/x /\n", 3, "IMG005"),
        ("FROM scratch\nADD $U/x /\n", 2, "IMG005"),
        ("FROM scratch\nENV U=https://e.com/x\nADD a ${U} /\n", 3, "IMG005"),
        ("FROM scratch AS base\n", 1, "IMG015"),
    ],
)
def test_what_cannot_be_told_is_a_fault_with_its_line(text: str, line: int, code: str) -> None:
    faults = read_dockerfile(text.encode(), {}, contexts=("base",)).faults
    assert [(fault.line, fault.code) for fault in faults] == [(line, code)]


@pytest.mark.parametrize(
    "source",
    [
        "--checksum=sha256:aa https://example.com/x",
        "x",
        "$U/x",
        "httpsx",
        "a${V}.tgz",
        "https://example.com/a.git#" + "b" * 40,
    ],
)
def test_an_add_of_what_is_known_is_fine(source: str) -> None:
    text = f"FROM scratch\nARG U=local\nADD {source} /\n"
    assert read_dockerfile(text.encode(), {}).faults == ()


def test_declared_arguments_and_stages() -> None:
    read = read_dockerfile(b"ARG A=1 B\nFROM scratch AS Prod\nARG C\nFROM scratch\nARG A\n", {})
    assert read.args == {"A", "B", "C"}
    assert read.stages == ("prod", "")
    assert [read.has_target(target) for target in ("prod", "PROD", "1", "2", "")] == [
        True,
        True,
        True,
        False,
        True,
    ]


_LINES = st.sampled_from(
    [
        "FROM a",
        "FROM ${X:-b}",
        "RUN <<E",
        "E",
        "\\",
        "# escape=`",
        "# syntax=x",
        "COPY --from=q",
        "ARG X=$Y",
        "`",
        "'",
        '"',
        "",
    ]
)


@settings(max_examples=300, deadline=2000)
@given(st.lists(st.one_of(_LINES, st.text(max_size=20)), max_size=12))
def test_no_text_crashes_it(lines: list[str]) -> None:
    dockerfile = "\n".join(lines).encode("utf-8", "surrogatepass")
    read = read_dockerfile(dockerfile, {"X": "x"}, ("linux/amd64",), ("ctx",))
    for use in read.bases:
        assert 0 <= use.start <= use.end <= len(dockerfile)
    assert pin(dockerfile, read.bases, {}) == dockerfile


@settings(max_examples=200, deadline=2000)
@given(st.binary(max_size=200))
def test_no_bytes_crash_it(dockerfile: bytes) -> None:
    read_dockerfile(dockerfile, {})


@pytest.mark.parametrize(
    "text",
    [
        "RUN " + "'\"" * 50_000,
        "RUN " + "\\\n" * 100_000,
        "ARG X=" + "${X:-" * 20_000,
        "FROM " + "$" * 200_000,
        "RUN " + "<<E " * 300,
        "ARG A=xxxxxxxxxx\n" + "ARG A=$A$A$A$A\n" * 40 + "FROM $A",
        "RUN --mount=" + ",from" * 50_000,
        "x" * (2 << 20),
    ],
)
def test_no_text_is_slow(text: str) -> None:
    began = time.process_time()
    read_dockerfile(text.encode(), {})
    assert time.process_time() - began < 2
