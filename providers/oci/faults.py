"""What can go wrong with a registry: every code of this package, its meaning and its remedy, in one place."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.provider import ProviderError, Refused, Stale


@dataclass(frozen=True, slots=True)
class Fault:
    """A stable code, what it means and what helps; makes the errors that carry it."""

    code: str
    meaning: str
    remedy: str

    def passing(
        self, where: str, seen: str, expected: str, *, remedy: str = "", retry_after: float | None = None
    ) -> ProviderError:
        """An error after which trying again may work."""
        return ProviderError(self.code, where, seen, expected, remedy or self.remedy, retry_after=retry_after)

    def final(self, where: str, seen: str, expected: str, *, remedy: str = "") -> Refused:
        """An error that stays until the spec or the registry changes."""
        return Refused(self.code, where, seen, expected, remedy or self.remedy)

    def stale(self, where: str, seen: str, expected: str) -> Stale:
        """An error that says: what was observed is no longer so."""
        return Stale(self.code, where, seen, expected, self.remedy)


UNREACHABLE = Fault(
    "REG001", "The registry's host cannot be reached.", "correct the host, or see that it runs"
)
TIMEOUT = Fault("REG002", "The registry did not answer in time.", "if it lasts, see the registry's log")
BROKEN_OFF = Fault(
    "REG003", "The connection ended before the answer was whole.", "if it lasts, see the registry's log"
)
NO_TLS = Fault("REG004", "The host does not speak TLS.", "use https, or a registry on loopback")
CERTIFICATE = Fault(
    "REG005",
    "The host's certificate was not accepted.",
    "add its authority to this machine, or correct the host",
)
SERVER_ERROR = Fault(
    "REG006", "The registry answered with a server error.", "if it lasts, see the registry's log"
)
THROTTLED = Fault("REG007", "The registry asks to be called less often.", "wait, or use a login")
NO_REGISTRY = Fault(
    "REG008",
    "What answered does not speak the distribution API.",
    "correct the registry's host, or what stands between",
)
REQUEST_REFUSED = Fault("REG009", "The registry refused the request as such.", "see the registry's log")

LOGIN_NEEDED = Fault(
    "REG020",
    "The registry wants a login and none is configured for it.",
    "set auth in the Registry document, or correct the repository's name",
)
LOGIN_REFUSED = Fault(
    "REG021",
    "The registry did not accept the login.",
    "renew the login, or correct the repository's name",
)
RIGHT_MISSING = Fault(
    "REG022",
    "The registry knows who asks and does not allow it.",
    "give the login that right, or use another",
)
REALM_REFUSED = Fault(
    "REG023",
    "The token service that the registry names is not safe to send a login to.",
    "have the registry name its token realm with an https address",
)
TOKEN_UNUSABLE = Fault(
    "REG024", "The token service's answer holds no usable token.", "if it lasts, see the token service's log"
)
CHALLENGE_UNKNOWN = Fault(
    "REG025", "The registry asks for a kind of login that we do not know.", "use another registry"
)
DOCKER_CONFIG = Fault(
    "REG026",
    "The docker client's configuration cannot be read.",
    "repair the file, or run docker login again",
)
CREDENTIAL_PROGRAM = Fault(
    "REG027", "The docker credential program failed.", "run it by hand to see why, or use a login"
)

WRONG_DIGEST = Fault(
    "REG040", "Content and digest, or content and size, disagree.", "if it lasts, push the content again"
)
MANIFEST_REFUSED = Fault(
    "REG041", "A manifest is ambiguous, malformed or of an unknown media type.", "push the image again"
)
TOO_LARGE = Fault("REG042", "Content is larger than we accept.", "make it smaller")
REDIRECT_REFUSED = Fault(
    "REG043", "A redirect goes where we do not follow.", "have the registry give out https addresses"
)
UPLOAD_ELSEWHERE = Fault(
    "REG044",
    "An upload location lies on another origin than the registry.",
    "have the registry, or the proxy before it, give out its own address",
)
PAGE_ELSEWHERE = Fault(
    "REG045",
    "The next page of a list lies on another origin, or the list does not end.",
    "have the registry, or the proxy before it, give out its own address",
)
REFERENCE_UNUSABLE = Fault(
    "REG046", "A reference cannot be asked for at this registry.", "correct the reference"
)
GONE = Fault("REG047", "What was there before is not in the registry (any more).", "push it again")
NO_INPUTS = Fault(
    "REG048", "The tag holds something other than an input document.", "remove the tag, or build again"
)
SOURCE_GONE = Fault(
    "REG049",
    "What is to be copied is gone at its source.",
    "promote what runs there now, or push it again",
)
SPARSE = Fault(
    "REG050", "An index names manifests that its repository does not have.", "push the whole index again"
)
TOO_MANY = Fault(
    "REG051",
    "More is nested in an image, or attached to it, than is followed.",
    "remove what nobody needs, or copy it by hand",
)
OTHER_KIND = Fault(
    "REG052", "Nothing here copies between registries of these kinds.", "use registries of one kind"
)
NO_RECORD = Fault("REG053", "The tag holds something other than a record.", "remove the tag")
NOT_ALLOWED = frozenset({LOGIN_NEEDED.code, LOGIN_REFUSED.code, RIGHT_MISSING.code})
"""Codes that say that this login may not do this."""

FAULTS: tuple[Fault, ...] = (
    *(UNREACHABLE, TIMEOUT, BROKEN_OFF, NO_TLS, CERTIFICATE, SERVER_ERROR, THROTTLED),
    *(NO_REGISTRY, REQUEST_REFUSED),
    *(LOGIN_NEEDED, LOGIN_REFUSED, RIGHT_MISSING, REALM_REFUSED, TOKEN_UNUSABLE, CHALLENGE_UNKNOWN),
    *(DOCKER_CONFIG, CREDENTIAL_PROGRAM),
    *(WRONG_DIGEST, MANIFEST_REFUSED, TOO_LARGE, REDIRECT_REFUSED, UPLOAD_ELSEWHERE, PAGE_ELSEWHERE),
    *(REFERENCE_UNUSABLE, GONE, NO_INPUTS, SOURCE_GONE, SPARSE, TOO_MANY),
    *(OTHER_KIND, NO_RECORD),
)
"""Everything above, for the documentation."""

CODES: dict[str, str] = {fault.code: fault.meaning for fault in FAULTS}
"""Every code of the registry client and its meaning."""
