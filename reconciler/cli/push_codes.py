"""What can be wrong with a push straight to a loop. Codes are stable: none is ever given another meaning."""

from __future__ import annotations

CODES = {
    "PUSH001": "The ref is not for this pusher, or no ref that is pushed here.",
    "PUSH002": "A push would delete a ref.",
    "PUSH003": "A push would rewrite a branch, or move a tag.",
    "PUSH004": "A push brings more refs, objects or bytes than are taken at once.",
    "PUSH005": "What was pushed could not be read within the limits of that.",
    "PUSH006": "A push with plan-only: nothing of it is taken.",
    "PUSH007": "The token of a pusher cannot be read, or is too short to be one.",
}
