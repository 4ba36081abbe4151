"""What breaks listeners."""

from __future__ import annotations

from typing import Any

from tests.policies.mutation import Mutant, drop, put, without

_LISTENER = "aws:lb/listener:Listener"
_RULE = "aws:lb/listenerRule:ListenerRule"
_HTTP, _HTTPS = "edge-balancer-http", "edge-balancer-https"
_PREFIX = "routingHttpResponse"
_STS = f"{_PREFIX}StrictTransportSecurityHeaderValue"


def _set(rule: str, title: str, path: str, value: Any, *says: str, on: str = _HTTPS) -> Mutant:
    return Mutant(rule=rule, title=title, change=put(_LISTENER, path, value, on), says=says)


def _gone(rule: str, title: str, path: str, *says: str, on: str = _HTTPS) -> Mutant:
    return Mutant(rule=rule, title=title, change=drop(_LISTENER, path, on), says=says)


MUTANTS: tuple[Mutant, ...] = (
    _set(
        "listener-https-only",
        "answers plain HTTP",
        "defaultActions.0",
        {"type": "forward"},
        "plain HTTP is answered and not redirected",
        on=_HTTP,
    ),
    _set(
        "listener-https-only",
        "redirects to plain HTTP",
        "defaultActions.0.redirect.protocol",
        "HTTP",
        "plain HTTP is answered and not redirected",
        on=_HTTP,
    ),
    _set(
        "listener-https-only",
        "the door itself is plain",
        "protocol",
        "HTTP",
        "plain HTTP is answered and not redirected",
    ),
    _set(
        "listener-tls-policy",
        "TLS 1.0",
        "sslPolicy",
        "ELBSecurityPolicy-2016-08",
        "TLS policy ELBSecurityPolicy-2016-08 admits old protocols or weak suites",
    ),
    _set(
        "listener-tls-policy",
        "suites without forward secrecy",
        "sslPolicy",
        "ELBSecurityPolicy-TLS13-1-2-Ext1-2021-06",
        "TLS policy ELBSecurityPolicy-TLS13-1-2-Ext1-2021-06 admits old protocols or weak suites",
    ),
    _gone(
        "listener-tls-policy",
        "AWS's default policy",
        "sslPolicy",
        "TLS policy none admits old protocols or weak suites",
    ),
    _set(
        "listener-refuses-unknown-hosts",
        "every host is passed on",
        "defaultActions.0",
        {"type": "forward", "targetGroupArn": "arn"},
        "requests for any host name are passed on",
    ),
    _gone(
        "listener-security-headers",
        "sniffing",
        f"{_PREFIX}XContentTypeOptionsHeaderValue",
        "X-Content-Type-Options is not nosniff",
    ),
    _set(
        "listener-security-headers",
        "framing by anybody",
        f"{_PREFIX}XFrameOptionsHeaderValue",
        "ALLOWALL",
        "X-Frame-Options is neither SAMEORIGIN nor DENY",
    ),
    _gone(
        "listener-security-headers",
        "the program's name",
        f"{_PREFIX}ServerEnabled",
        "the Server header names the program",
    ),
    _gone("listener-hsts", "nothing said", _STS, "browsers are not told to insist on TLS"),
    _set(
        "listener-hsts",
        "a day",
        _STS,
        "max-age=86400; includeSubDomains",
        "browsers insist on TLS for 86400 seconds, a year is needed here",
    ),
    _set(
        "listener-hsts",
        "one name only",
        _STS,
        "max-age=31536000",
        "browsers insist on TLS for this name only, not for those below it",
    ),
    Mutant(
        rule="internal-paths-closed",
        title="no rule for them",
        change=without(_RULE, "edge-balancer-internal-1"),
        says=("/metrics is passed on to the program", "/debug is passed on to the program"),
        at=_HTTPS,
    ),
    Mutant(
        rule="internal-paths-closed",
        title="one of them left out",
        change=put(
            _RULE,
            "conditions.0.pathPattern.values",
            ["/metrics", "/metrics/*"],
            "edge-balancer-internal-1",
        ),
        says=("/debug is passed on to the program",),
        at=_HTTPS,
    ),
    Mutant(
        rule="internal-paths-closed",
        title="a host is forwarded before them",
        change=put(_RULE, "priority", 5, "edge-balancer-api"),
        says=("/metrics is passed on to the program", "/debug is passed on to the program"),
        at=_HTTPS,
    ),
    Mutant(
        rule="internal-paths-closed",
        title="the rule forwards",
        change=put(_RULE, "actions.0.type", "forward", "edge-balancer-internal-1"),
        says=("/metrics is passed on to the program", "/debug is passed on to the program"),
        at=_HTTPS,
    ),
)
