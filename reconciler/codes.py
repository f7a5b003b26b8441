"""What a plan's blocks and the running of actions can say. Codes are stable: none is ever given another
meaning."""

from __future__ import annotations

PLAN_CODES = {
    "PLAN001": "An action failed in a way that trying again does not mend.",
    "PLAN010": "An image cannot be built from its commit.",
    "PLAN011": "A secret has no value here.",
    "PLAN012": "An image carries labels that are reserved for us.",
    "PLAN013": "An image declares a VOLUME that its service does not.",
    "PLAN014": "A registry has no such image.",
    "PLAN015": "The release to go back to is on a network that git does not declare any more.",
    "PLAN016": "Something that is not ours has a name that we need.",
    "PLAN017": "The files of the release to go back to are not in this commit.",
    "PLAN018": "A port is taken.",
    "PLAN019": "A data volume exists with other options.",
    "PLAN020": "A service depends on one whose new generation is held.",
    "PLAN021": "A generation failed and is held.",
    "PLAN022": "The engine is too old for a word of the service.",
    "PLAN023": "A service joins the namespace of one that git does not declare any more.",
    "PLAN024": "What must run before a new generation has failed.",
    "PLAN025": "What must run before a new generation was begun, and nobody knows how it ended.",
    "PLAN026": "The engine's disk has no room for an image.",
    "PLAN027": "An image that a rollback needs is nowhere any more.",
    "PLAN030": "More would be removed than the prune guard allows.",
    "PLAN031": "What runs is of a newer commit.",
    "PLAN032": "What runs came from another repository.",
    "PLAN033": "A container of Compose still writes into a volume that the service mounts.",
    "PLAN034": "Another engine answers, which holds nothing of the environment.",
    "PLAN035": "A loop cannot replace the container that it runs in.",
    "PLAN040": "A pin cannot be followed.",
    "PLAN041": "Pins of several services do not go together.",
    "PLAN050": "A change asks for what only the change itself allows.",
    "PLAN060": "A drift rule has ended: what it left alone counts again. A warning.",
}
RUN_CODES = {
    "RUN001": "An action did not end in time.",
    "RUN002": "Another writer was faster.",
    "RUN003": "There is no builder.",
    "RUN004": "The registry does not have what was pushed.",
    "RUN005": "An image that another builds on is gone.",
    "RUN006": "The lease ran out before an action's turn came.",
    "RUN007": "Nothing here drives proxies.",
    "RUN008": "No proxy answers any more.",
}
