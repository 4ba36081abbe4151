"""What breaks CloudFront's response headers."""

from __future__ import annotations

from typing import Any

from tests.policies.mutation import Mutant, drop, put, several

_HEADERS = "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy"
_APP = "edge-cdn-app"
_STS = "strictTransportSecurity"
_CSP = "contentSecurityPolicy.contentSecurityPolicy"


def _headers(rule: str, title: str, path: str, value: Any, *says: str) -> Mutant:
    """A header has another value, or with None is gone."""
    where = f"securityHeadersConfig.{path}"
    gone = value is None
    change = drop(_HEADERS, where, _APP) if gone else put(_HEADERS, where, value, _APP)
    return Mutant(rule=rule, title=title, change=change, says=says)


MUTANTS: tuple[Mutant, ...] = (
    _headers("headers-policy-hsts", "nothing said", _STS, None,
             "browsers are not told to insist on TLS"),
    _headers("headers-policy-hsts", "five minutes", f"{_STS}.accessControlMaxAgeSec", 300,
             "browsers insist on TLS for 300 seconds, a year is needed here"),
    _headers("headers-policy-hsts", "one name only", f"{_STS}.includeSubdomains", False,
             "browsers insist on TLS for this name only, not for those below it"),
    _headers("headers-policy-complete", "sniffing", "contentTypeOptions", None,
             "X-Content-Type-Options is missing"),
    _headers("headers-policy-complete", "framing", "frameOptions", None,
             "X-Frame-Options is neither SAMEORIGIN nor DENY"),
    _headers("headers-policy-complete", "whole addresses", "referrerPolicy.referrerPolicy",
             "unsafe-url", "other sites are told whole addresses, with what they hold"),
    _headers("headers-policy-complete", "the browser's default", "referrerPolicy", None,
             "other sites are told whole addresses, with what they hold"),
    _headers("headers-policy-complete", "the old filter", "xssProtection.protection", True,
             "X-XSS-Protection is on, which old browsers can be made to misuse"),
    _headers("headers-policy-overrides-origin", "twice", "frameOptions.override", False,
             "frameOptions may come twice, with the origin's value first"),
    _headers("headers-policy-csp", "inline scripts", _CSP, "default-src 'self' 'unsafe-inline'",
         "the content security policy lets scripts in by 'unsafe-inline'"),
    _headers("headers-policy-csp", "scripts of anybody", _CSP, "default-src 'self'; script-src *",
         "the content security policy lets scripts in by *"),
    _headers("headers-policy-csp", "no word on scripts", _CSP, "frame-ancestors 'self'",
         "scripts of any origin may run in our pages"),
    _headers("headers-policy-csp", "no policy", "contentSecurityPolicy", None,
             "scripts of any origin may run in our pages"),
    Mutant(
        rule="headers-policy-hsts",
        title="a day in staging is said, and for one name only",
        change=several(
            put(_HEADERS, f"securityHeadersConfig.{_STS}.accessControlMaxAgeSec", 86400, _APP),
            put(_HEADERS, f"securityHeadersConfig.{_STS}.includeSubdomains", False, _APP),
        ),
        says=("browsers insist on TLS for this name only, not for those below it",),
        stack="staging",
        at=_APP,
    ),
)  # fmt: skip
