from __future__ import annotations

import json
from dataclasses import replace

import pytest

from oci_images import entry, image_manifest, index_manifest
from providers.oci.documents import INPUTS, RECORD, describe_document, find_document
from providers.oci.manifest import (
    DOCKER_IMAGE,
    DOCKER_LIST,
    MEDIA_TYPES,
    OCI_IMAGE,
    OCI_INDEX,
    compute_digest,
    read_manifest,
)

IMAGE = image_manifest(b"{}", b"layer")
LAYER = entry(IMAGE.layers[0])
CONFIG = entry(IMAGE.config) if IMAGE.config else {}
PARTS: dict[str, object] = {"schemaVersion": 2, "config": CONFIG, "layers": [LAYER]}


def body_of(**changes: object) -> bytes:
    return json.dumps({**PARTS, **changes}).encode()


@pytest.mark.parametrize("media_type", [OCI_IMAGE, DOCKER_IMAGE])
def test_reads_an_image(media_type: str) -> None:
    manifest = image_manifest(b"{}", b"layer", media_type)
    assert manifest.digest == compute_digest(manifest.body)
    assert manifest.config is not None
    assert (manifest.config.size, manifest.layers[0].size) == (2, 5)


@pytest.mark.parametrize("media_type", [OCI_INDEX, DOCKER_LIST])
def test_reads_an_index(media_type: str) -> None:
    index = index_manifest(media_type, IMAGE)
    assert index.manifests[0].digest == IMAGE.digest
    assert (index.config, index.layers) == (None, ())


def test_the_media_type_in_the_body_is_optional() -> None:
    assert read_manifest(body_of(), OCI_IMAGE).layers[0].digest == compute_digest(b"layer")


def test_digests_may_be_sha512() -> None:
    assert read_manifest(body_of(), OCI_IMAGE, "sha512").digest == compute_digest(body_of(), "sha512")


@pytest.mark.parametrize(
    ("body", "seen"),
    [
        (body_of(manifests=[]), "an image and an index at once"),
        (body_of(mediaType=OCI_INDEX), "another media type"),
        (body_of(mediaType=DOCKER_IMAGE), "another media type"),
        (body_of(mediaType=None), "another media type"),
        (body_of(schemaVersion=1), "schema version"),
        (body_of(layers={}), "no list"),
        (body_of(layers=None), "no list"),
        (body_of(config=None), "no object"),
        (body_of(layers=[{**LAYER, "digest": "md5:" + "0" * 32}]), "weak or malformed digest"),
        (body_of(layers=[{**LAYER, "size": -1}]), "without size"),
        (body_of(layers=[{**LAYER, "size": True}]), "without size"),
        (body_of(layers=[{"size": 1}]), "without media type or digest"),
        (b'{"schemaVersion":2,"schemaVersion":2}', "a key twice"),
        (b"[" * 100_000, "JSON"),
        (b"[]", "no object"),
        (b"", "no JSON"),
        (b"<html>", "no JSON"),
        (b"\xff\xfe{}", "no JSON"),
    ],
)
def test_refuses_what_is_not_exactly_one_manifest(body: bytes, seen: str) -> None:
    with pytest.raises(ValueError, match=seen):
        read_manifest(body, OCI_IMAGE)


def test_refuses_an_index_with_layers_and_an_image_sent_as_index() -> None:
    both = body_of(manifests=[])
    for media_type in MEDIA_TYPES:
        with pytest.raises(ValueError, match="an image and an index at once"):
            read_manifest(both, media_type)
    with pytest.raises(ValueError, match="no list"):
        read_manifest(body_of(), OCI_INDEX)


def test_refuses_other_media_types() -> None:
    with pytest.raises(ValueError, match="no manifest's"):
        read_manifest(body_of(), "application/vnd.docker.distribution.manifest.v1+prettyjws")


def test_the_input_artifact_is_a_function_of_the_document() -> None:
    one, again = describe_document(INPUTS, b"{}"), describe_document(INPUTS, b"{}")
    assert one.body == again.body
    assert read_manifest(one.body, OCI_IMAGE) == one
    assert find_document(INPUTS, one) == one.layers[0]
    assert describe_document(INPUTS, b"[]").digest != one.digest


def test_an_image_is_no_input_artifact() -> None:
    assert find_document(INPUTS, IMAGE) is None
    ours = describe_document(INPUTS, b"{}")
    assert find_document(INPUTS, replace(ours, artifact_type="application/vnd.example")) is None
    assert find_document(INPUTS, replace(ours, layers=IMAGE.layers)) is None
    assert find_document(INPUTS, replace(ours, layers=ours.layers * 2)) is None
    assert find_document(RECORD, ours) is None
