"""What can go wrong with a build. Codes are stable: none is ever given another meaning."""

from __future__ import annotations

CODES = {
    "BLD001": "The docker client is not installed.",
    "BLD002": "The docker client has no buildx, or too old a one.",
    "BLD003": "There is no builder of the name that the environment says.",
    "BLD010": "A step of the Dockerfile failed.",
    "BLD011": "A registry refused the builder's login.",
    "BLD012": "The builder does not accept the Dockerfile.",
    "BLD013": "A file of the context cannot be given to the builder.",
    "BLD014": "The build did not end in time.",
    "BLD015": "The builder does not build for several platforms.",
    "BLD020": "The engine that builds does not answer.",
    "BLD021": "The engine's disk is full.",
    "BLD022": "A registry or the network did not answer the builder.",
    "BLD023": "The build ended for no known reason.",
    "BLD024": "The context could not be written.",
    "BLD025": "The docker client did not answer.",
    "BLD030": "The builder did not say what it pushed.",
}
