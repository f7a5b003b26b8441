"""The envelope that every document has, and the union of kinds."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from specs.environment import Environment
from specs.image import Image
from specs.lock import Lock
from specs.model import Model, Name
from specs.registry import Registry
from specs.release import Release
from specs.resource import Config, Network, Secret, Volume
from specs.service import Service

API_VERSION = "reconciler/v1"


class Metadata(Model):
    """``name`` is unique with the kind under the spec path."""

    name: Name


class _Envelope(Model):
    apiVersion: Literal["reconciler/v1"]  # the field's own spelling
    metadata: Metadata


class RegistryDocument(_Envelope):
    kind: Literal["Registry"]
    spec: Registry


class ImageDocument(_Envelope):
    kind: Literal["Image"]
    spec: Image


class ServiceDocument(_Envelope):
    kind: Literal["Service"]
    spec: Service


class EnvironmentDocument(_Envelope):
    kind: Literal["Environment"]
    spec: Environment


class NetworkDocument(_Envelope):
    kind: Literal["Network"]
    spec: Network


class VolumeDocument(_Envelope):
    kind: Literal["Volume"]
    spec: Volume


class ConfigDocument(_Envelope):
    kind: Literal["Config"]
    spec: Config


class SecretDocument(_Envelope):
    kind: Literal["Secret"]
    spec: Secret


class LockDocument(_Envelope):
    kind: Literal["Lock"]
    spec: Lock


class ReleaseDocument(_Envelope):
    kind: Literal["Release"]
    spec: Release


Document = Annotated[
    RegistryDocument
    | ImageDocument
    | ServiceDocument
    | EnvironmentDocument
    | NetworkDocument
    | VolumeDocument
    | ConfigDocument
    | SecretDocument
    | LockDocument
    | ReleaseDocument,
    Field(discriminator="kind"),
]
KINDS = (
    *("Registry", "Image", "Service", "Environment", "Network", "Volume", "Config", "Secret"),
    *("Lock", "Release"),
)
