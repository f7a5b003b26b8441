"""Any registry that speaks the OCI distribution API: the client, written to be the reference provider.

Imports aiohttp only when the first request is sent. What is sent where:

- a login (Basic) to the registry's own origin, and to the token realm that its challenge names, which must be
  https (plain http only from loopback to loopback);
- a token to the registry's own origin only;
- nothing to where redirects, upload locations and next pages lead on another origin: reads follow without
  credentials, at most five times and never from https to http; writes and lists are refused.
"""

from providers.oci.faults import CODES
from providers.oci.registry import OciRegistry, open_registry

__all__ = ["CODES", "OciRegistry", "open_registry"]
