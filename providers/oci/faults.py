"""What can go wrong with a registry: every code of this package and its meaning, in one place."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.provider import ProviderError, Refused, Stale


@dataclass(frozen=True, slots=True)
class Fault:
    """A stable code and what it means; makes the errors that carry it."""

    code: str
    meaning: str

    def passing(
        self, where: str, seen: str, expected: str = "", remedy: str = "", retry_after: float | None = None
    ) -> ProviderError:
        """An error after which trying again may work."""
        return ProviderError(self.code, where, seen, expected, remedy, retry_after=retry_after)

    def final(self, where: str, seen: str, expected: str = "", remedy: str = "") -> Refused:
        """An error that stays until the spec or the registry changes."""
        return Refused(self.code, where, seen, expected, remedy)

    def stale(self, where: str, seen: str, expected: str = "", remedy: str = "") -> Stale:
        """An error that says: what was observed is no longer so."""
        return Stale(self.code, where, seen, expected, remedy)


UNREACHABLE = Fault("REG001", "The registry's host cannot be reached.")
TIMEOUT = Fault("REG002", "The registry did not answer in time.")
BROKEN_OFF = Fault("REG003", "The connection ended before the answer was whole.")
NO_TLS = Fault("REG004", "The host does not speak TLS.")
CERTIFICATE = Fault("REG005", "The host's certificate was not accepted.")
SERVER_ERROR = Fault("REG006", "The registry answered with a server error.")
THROTTLED = Fault("REG007", "The registry asks to be called less often.")
NO_REGISTRY = Fault("REG008", "What answered does not speak the distribution API.")
REQUEST_REFUSED = Fault("REG009", "The registry refused the request as such.")

LOGIN_NEEDED = Fault("REG020", "The registry wants a login and none is configured for it.")
LOGIN_REFUSED = Fault("REG021", "The registry did not accept the login.")
RIGHT_MISSING = Fault("REG022", "The login is good and lacks the right for this.")
REALM_REFUSED = Fault("REG023", "The token service that the registry names is not safe to send a login to.")
TOKEN_UNUSABLE = Fault("REG024", "The token service's answer holds no usable token.")
CHALLENGE_UNKNOWN = Fault("REG025", "The registry asks for a kind of login that we do not know.")
DOCKER_CONFIG = Fault("REG026", "The docker client's configuration cannot be read.")
CREDENTIAL_PROGRAM = Fault("REG027", "The docker credential program failed.")

WRONG_DIGEST = Fault("REG040", "Content and digest, or content and size, disagree.")
MANIFEST_REFUSED = Fault("REG041", "A manifest is ambiguous, malformed or of an unknown media type.")
TOO_LARGE = Fault("REG042", "An answer is larger than we read.")
REDIRECT_REFUSED = Fault("REG043", "A redirect goes where we do not follow.")
UPLOAD_ELSEWHERE = Fault("REG044", "An upload location lies on another origin than the registry.")
PAGE_ELSEWHERE = Fault("REG045", "The next page of a list lies on another origin, or the list does not end.")
REFERENCE_UNUSABLE = Fault("REG046", "A reference names another host, or neither tag nor digest.")
GONE = Fault("REG047", "What was observed in the registry is no longer there.")
NO_INPUTS = Fault("REG048", "The tag holds something other than an input document.")

CODES: dict[str, str] = {
    fault.code: fault.meaning
    for fault in (
        *(UNREACHABLE, TIMEOUT, BROKEN_OFF, NO_TLS, CERTIFICATE, SERVER_ERROR, THROTTLED),
        *(NO_REGISTRY, REQUEST_REFUSED),
        *(LOGIN_NEEDED, LOGIN_REFUSED, RIGHT_MISSING, REALM_REFUSED, TOKEN_UNUSABLE, CHALLENGE_UNKNOWN),
        *(DOCKER_CONFIG, CREDENTIAL_PROGRAM),
        *(WRONG_DIGEST, MANIFEST_REFUSED, TOO_LARGE, REDIRECT_REFUSED, UPLOAD_ELSEWHERE, PAGE_ELSEWHERE),
        *(REFERENCE_UNUSABLE, GONE, NO_INPUTS),
    )
}
"""Every code of the registry client and its meaning, for the documentation."""
