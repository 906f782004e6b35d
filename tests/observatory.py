"""The score that MDN's HTTP Observatory gives an answer, by its published modifiers (algorithm 5, September 2026).

Only what this site can do well or badly is counted: anything else that would cost points fails at once.
"""

import re
from collections.abc import Mapping

BASELINE = 100
BAD_SOURCES = ("'unsafe-inline'", "'unsafe-eval'", "http:", "https:", "data:", "*", "blob:")


def score(headers: Mapping[str, str], cookies: list[str], page: str) -> int:
    """Of one HTML answer over HTTPS: 0 where something is missing that costs points."""
    found = {name.lower(): value for name, value in headers.items()}
    parts = [
        _policy(found.get("content-security-policy", "")),
        _cookies(cookies),
        _referrer(found.get("referrer-policy", "")),
        _transport(found.get("strict-transport-security", "")),
        _scripts(page),
        0 if found.get("x-content-type-options") == "nosniff" else None,
        10 if found.get("cross-origin-resource-policy") == "same-origin" else None,
        10 if found.get("cross-origin-opener-policy") == "same-origin" else None,
        10 if found.get("cross-origin-embedder-policy") == "require-corp" else None,
        None if "access-control-allow-origin" in found else 0,
    ]
    return 0 if None in parts else BASELINE + sum(parts)


def _policy(text: str) -> int | None:
    """10 for nothing unsafe and `default-src 'none'`, and 5 for clickjacking stopped by `frame-ancestors`."""
    rules = {rule.split()[0]: rule.split()[1:] for rule in text.split(";") if rule.split()}
    sources = [source for values in rules.values() for source in values]
    closed = all(rules.get(name) == ["'none'"] for name in ("default-src", "base-uri", "frame-ancestors"))
    return 15 if closed and "form-action" in rules and not set(sources) & set(BAD_SOURCES) else None


def _cookies(cookies: list[str]) -> int | None:
    if not cookies:
        return 0
    good = [all(word in cookie for word in ("__Host-", "Secure", "HttpOnly", "SameSite")) for cookie in cookies]
    return 5 if all(good) else None


def _referrer(text: str) -> int | None:
    return 5 if text in ("same-origin", "no-referrer", "strict-origin", "strict-origin-when-cross-origin") else None


def _transport(text: str) -> int | None:
    age = re.match(r"max-age=(\d+)", text)
    return 0 if age and int(age[1]) >= 15768000 and "includeSubDomains" in text else None


def _scripts(page: str) -> int | None:
    """Every script of the site itself, and none inline."""
    tags = re.findall(r"<script\b([^>]*)>(.*?)</script>", page, re.DOTALL)
    own = [re.search(r'src="/[^/"]', attributes) and not body.strip() for attributes, body in tags]
    data = ['type="application/ld+json"' in attributes for attributes, _body in tags]
    return 0 if all(a or b for a, b in zip(own, data, strict=True)) else None
