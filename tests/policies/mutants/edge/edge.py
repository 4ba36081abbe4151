"""What breaks the load balancer and its targets."""

from __future__ import annotations

from typing import Any

from tests.policies.mutation import Mutant, drop, put, unlink, without

_BALANCER = "aws:lb/loadBalancer:LoadBalancer"
_TARGETS = "aws:lb/targetGroup:TargetGroup"
_ASSOCIATION = "aws:wafv2/webAclAssociation:WebAclAssociation"


def _set(rule: str, title: str, type_: str, path: str, value: Any, *says: str) -> Mutant:
    return Mutant(rule=rule, title=title, change=put(type_, path, value), says=says)


def _gone(rule: str, title: str, type_: str, path: str, *says: str) -> Mutant:
    return Mutant(rule=rule, title=title, change=drop(type_, path), says=says)


_OPEN = "the load balancer is open to the internet, past CloudFront and its firewall"
_HEADERS = "invalid header fields are passed on"
_UNLOGGED = "requests are not logged"

MUTANTS: tuple[Mutant, ...] = (
    _set("balancer-internal", "faces the internet", _BALANCER, "internal", False, _OPEN),
    _gone("balancer-internal", "nothing said about facing", _BALANCER, "internal", _OPEN),
    _set(
        "balancer-drops-invalid-headers",
        "passes odd headers",
        _BALANCER,
        "dropInvalidHeaderFields",
        False,
        _HEADERS,
    ),
    _gone(
        "balancer-drops-invalid-headers",
        "AWS's default",
        _BALANCER,
        "dropInvalidHeaderFields",
        _HEADERS,
    ),
    _set(
        "balancer-desync-mitigated",
        "watches only",
        _BALANCER,
        "desyncMitigationMode",
        "monitor",
        "desync mitigation is monitor: requests that programs read in two ways are passed on",
    ),
    _set(
        "balancer-appends-client-address",
        "passes on what the caller says",
        _BALANCER,
        "xffHeaderProcessingMode",
        "preserve",
        "X-Forwarded-For is handled by preserve: programs see no address or a forged one",
    ),
    _set(
        "balancer-appends-client-address",
        "takes the header away",
        _BALANCER,
        "xffHeaderProcessingMode",
        "remove",
        "X-Forwarded-For is handled by remove: programs see no address or a forged one",
    ),
    _set("balancer-logged", "switched off", _BALANCER, "accessLogs.enabled", False, _UNLOGGED),
    _gone("balancer-logged", "no log at all", _BALANCER, "accessLogs", _UNLOGGED),
    _set(
        "balancer-deletion-protected",
        "unprotected",
        _BALANCER,
        "enableDeletionProtection",
        False,
        "one call would take the service off the internet",
    ),
    _gone(
        "balancer-deletion-protected",
        "AWS's default",
        _BALANCER,
        "enableDeletionProtection",
        "one call would take the service off the internet",
    ),
    Mutant(
        rule="balancer-firewall",
        title="no association",
        change=without(_ASSOCIATION),
        says=("no web application firewall stands before it",),
        at="edge-balancer-alb",
    ),
    Mutant(
        rule="balancer-firewall",
        title="the firewall of something else",
        change=unlink(_ASSOCIATION, "resourceArn"),
        says=("no web application firewall stands before it",),
        at="edge-balancer-alb",
    ),
    _set(
        "balancer-firewall",
        "fails open",
        _BALANCER,
        "enableWafFailOpen",
        True,
        "requests pass unseen while the firewall does not answer",
    ),
    _set(
        "target-group-health-check",
        "half a minute between questions",
        _TARGETS,
        "healthCheck.interval",
        30,
        "a broken pod gets requests for 90 seconds",
    ),
    _gone(
        "target-group-health-check",
        "no question",
        _TARGETS,
        "healthCheck",
        "it asks no path whether a pod is well",
    ),
    _set(
        "target-group-health-check",
        "switched off",
        _TARGETS,
        "healthCheck.enabled",
        False,
        "it asks no path whether a pod is well",
    ),
    _set(
        "target-group-health-check",
        "errors are well",
        _TARGETS,
        "healthCheck.matcher",
        "200-299,503",
        "an answer of 5xx counts as well",
    ),
    _set(
        "target-group-drains",
        "cuts at once",
        _TARGETS,
        "deregistrationDelay",
        0,
        "requests of a pod that leaves are cut after 0 seconds",
    ),
    _set(
        "target-group-drains",
        "cuts after ten seconds",
        _TARGETS,
        "deregistrationDelay",
        10,
        "requests of a pod that leaves are cut after 10 seconds",
    ),
)
