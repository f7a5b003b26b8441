"""What the JSON Schema says of routes and their proxy, where their models do not."""

from __future__ import annotations

from typing import Final

ROUTE_MEANINGS: Final = {
    "Certificate": {"hosts": "The host names that it is for."},
    "Maintenance": {
        "status": "The status of the answer.",
        "body": "The answer itself.",
        "type": "The media type of the answer.",
    },
    "Redirect": {"status": "The status of the answer; 308 keeps the method."},
    "Service": {"rollout": "How a new generation replaces the old one."},
}
ROUTE_EXAMPLES: Final[dict[str, dict[str, object]]] = {
    "Certificate": {"hosts": ["shop.example.com"]},
    "HeaderRules": {"set": {"X-Frame-Options": "DENY"}, "remove": ["Server"]},
    "Proxy": {
        "address": "10.0.0.2",
        "email": "ops@example.com",
        "certificates": [
            {
                "hosts": ["shop.example.com"],
                "certificate": {"secret": "shop-certificate"},
                "key": {"secret": "shop-key"},
            }
        ],
        "trusted_proxies": ["10.0.0.0/8"],
    },
    "Ready": {"http": "/healthz"},
    "Redirect": {"path": "/old", "to": "https://shop.example.com/new"},
    "Route": {
        "host": "shop.example.com",
        "hosts": ["www.example.com", "*.shop.example.com"],
        "port": 8080,
        "redirects": [{"path": "/old", "to": "/new"}],
    },
    "Step": {"weight": 10, "pause": "5m"},
}
