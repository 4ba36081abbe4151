"""The load balancer and its targets: internal, logged, guarded, and every pod asked how it is.

Who reaches it is rules/network/reachability.py. Beside it: its listeners (listeners.py), CloudFront
(cdn.py), the firewall (firewall.py), names and certificates (names.py).
"""

from __future__ import annotations

from collections.abc import Iterator

from rules.model import Item, Props, Rule, Stack, StackRule
from rules.network.doors import BALANCER

_TARGETS = "aws:lb/targetGroup:TargetGroup"
_ASSOCIATION = "aws:wafv2/webAclAssociation:WebAclAssociation"
_HUB = "https://docs.aws.amazon.com/securityhub/latest/userguide/elb-controls.html"
_GUIDE = "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/"
DETECT_SECONDS = 30  # LB-03: the guide's max_fails=3 fail_timeout=30s
DRAIN_SECONDS = 30  # LB-22: the longest request that the program answers


# -- the balancer --------------------------------------------------------------------------------
def _internal(balancer: Props) -> Iterator[str]:
    if not balancer.at("internal"):
        yield "the load balancer is open to the internet, past CloudFront and its firewall"


def _headers_dropped(balancer: Props) -> Iterator[str]:
    if not balancer.at("dropInvalidHeaderFields"):
        yield "invalid header fields are passed on"


def _desync(balancer: Props) -> Iterator[str]:
    mode = balancer.at("desyncMitigationMode", "defensive")
    if mode not in ("defensive", "strictest"):
        yield f"desync mitigation is {mode}: requests that programs read in two ways are passed on"


def _client_address(balancer: Props) -> Iterator[str]:
    mode = balancer.at("xffHeaderProcessingMode", "append")
    if mode != "append":
        yield f"X-Forwarded-For is handled by {mode}: programs see no address or a forged one"


def _logged(balancer: Props) -> Iterator[str]:
    if not balancer.at("accessLogs.enabled"):
        yield "requests are not logged"


def _deletion(balancer: Item, stack: Stack) -> Iterator[str]:
    if stack.serves_customers and not balancer.props.at("enableDeletionProtection"):
        yield "one call would take the service off the internet"


def _firewall(balancer: Item, stack: Stack) -> Iterator[str]:
    if not stack.serves_customers:
        return
    if not stack.parts(_ASSOCIATION, "resourceArn", balancer):
        yield "no web application firewall stands before it"
    if balancer.props.at("enableWafFailOpen"):
        yield "requests pass unseen while the firewall does not answer"


# -- target groups -------------------------------------------------------------------------------
def _health_check(targets: Props) -> Iterator[str]:
    if not targets.at("healthCheck.enabled", True) or not targets.at("healthCheck.path"):
        yield "it asks no path whether a pod is well"
        return
    # Elastic Load Balancing's defaults: every 30 s, three failures (an application load balancer
    # takes two of them at least).
    seconds = int(targets.at("healthCheck.interval", 30))
    fails = int(targets.at("healthCheck.unhealthyThreshold", 3))
    if seconds * fails > DETECT_SECONDS:
        yield f"a broken pod gets requests for {seconds * fails} seconds"
    if "5" in {code[:1] for code in str(targets.at("healthCheck.matcher", "200")).split(",")}:
        yield "an answer of 5xx counts as well"


def _drains(targets: Props) -> Iterator[str]:
    seconds = int(targets.at("deregistrationDelay", 300))
    if seconds < DRAIN_SECONDS:
        yield f"requests of a pod that leaves are cut after {seconds} seconds"


RULES: tuple[Rule | StackRule, ...] = (
    Rule(
        name="balancer-internal",
        sentence="The load balancer has no address on the internet.",
        types=(BALANCER,),
        severity="critical",
        requirements=("CDN-05", "CHK-SEC-06", "CHK-SEC-07"),
        controls=("SOC2 CC6.6", "ISO27001 A.8.20", "ISO27001 A.8.21"),
        why="Attackers would go round the firewall and meet the programs themselves.",
        fix="set internal to true (another balancer takes its place) and let CloudFront reach it "
        "by a VPC origin",
        url=f"{_GUIDE}application-load-balancers.html",
        evidence=("internal",),
        judge=_internal,
    ),
    Rule(
        name="balancer-drops-invalid-headers",
        sentence="The load balancer drops invalid header fields.",
        types=(BALANCER,),
        severity="medium",
        requirements=("LB-21",),
        controls=("FSBP ELB.4", "CHECKOV CKV_AWS_131", "SOC2 CC6.6", "ISO27001 A.8.26"),
        why="Headers that two programs read in two ways carry one user's request into another's.",
        fix="set drop_invalid_header_fields to true",
        url=f"{_HUB}#elb-4",
        evidence=("dropInvalidHeaderFields",),
        remedy={"dropInvalidHeaderFields": True},
        judge=_headers_dropped,
    ),
    Rule(
        name="balancer-desync-mitigated",
        sentence="The load balancer refuses requests that programs may read in two ways.",
        types=(BALANCER,),
        severity="medium",
        requirements=("LB-21",),
        controls=("FSBP ELB.12", "CHECKOV CKV_AWS_328", "SOC2 CC6.6", "ISO27001 A.8.26"),
        why="Request smuggling hands one user's answer to another.",
        fix="set desync_mitigation_mode to strictest or defensive",
        url=f"{_HUB}#elb-12",
        evidence=("desyncMitigationMode",),
        remedy={"desyncMitigationMode": "defensive"},
        judge=_desync,
    ),
    Rule(
        name="balancer-appends-client-address",
        sentence="The load balancer appends the address that it was called from.",
        types=(BALANCER,),
        severity="medium",
        requirements=("LB-21",),
        controls=("SOC2 CC7.2", "ISO27001 A.8.15"),
        why="Limits and logs would count an address that the caller made up.",
        fix="set xff_header_processing_mode to append",
        url=f"{_GUIDE}x-forwarded-headers.html",
        evidence=("xffHeaderProcessingMode",),
        remedy={"xffHeaderProcessingMode": "append"},
        judge=_client_address,
    ),
    Rule(
        name="balancer-logged",
        sentence="The load balancer logs every request.",
        types=(BALANCER,),
        severity="medium",
        requirements=("LB-25", "AUDIT-02"),
        controls=("FSBP ELB.5", "CHECKOV CKV_AWS_91", "SOC2 CC7.2", "ISO27001 A.8.15"),
        why="After an attack nobody could say who asked for what.",
        fix="set access_logs with enabled and the bucket of logs",
        url=f"{_HUB}#elb-5",
        evidence=("accessLogs.enabled", "accessLogs.prefix"),
        judge=_logged,
    ),
    StackRule(
        name="balancer-deletion-protected",
        sentence="Where customers are served, nobody deletes the load balancer by one call.",
        types=(BALANCER,),
        severity="medium",
        requirements=("LB-25",),
        controls=("FSBP ELB.6", "CHECKOV CKV_AWS_150", "SOC2 A1.2", "ISO27001 A.8.14"),
        why="A new balancer takes a quarter of an hour, and every customer waits.",
        fix="set identity.protect to true",
        url=f"{_HUB}#elb-6",
        evidence=("enableDeletionProtection",),
        judge=_deletion,
    ),
    StackRule(
        name="balancer-firewall",
        sentence="Where customers are served, a firewall stands before the load balancer as well.",
        types=(BALANCER,),
        severity="high",
        requirements=("LB-25", "CDN-05", "CHK-SEC-06"),
        controls=("FSBP ELB.16", "CHECKOV CKV2_AWS_28", "SOC2 CC6.6", "ISO27001 A.8.21"),
        why="One mistake at CloudFront would leave the programs without any filter.",
        fix="set edge.firewall.onBalancer to true",
        url=f"{_HUB}#elb-16",
        evidence=("enableWafFailOpen",),
        judge=_firewall,
    ),
    Rule(
        name="target-group-health-check",
        sentence="A pod that fails gets no requests after thirty seconds.",
        types=(_TARGETS,),
        severity="medium",
        requirements=("LB-03",),
        controls=("CHECKOV CKV_AWS_261", "SOC2 A1.2"),
        why="A share of all requests would fail for as long as nobody looks.",
        fix="set health_check with a path, and interval x unhealthy_threshold of 30 s at most",
        url=f"{_GUIDE}target-group-health-checks.html",
        evidence=("healthCheck",),
        judge=_health_check,
    ),
    Rule(
        name="target-group-drains",
        sentence="A pod that leaves may finish its requests.",
        types=(_TARGETS,),
        severity="low",
        requirements=("UPD-03", "LB-22"),
        controls=("SOC2 A1.2",),
        why="Every deployment would cut requests in the middle.",
        fix=f"set deregistration_delay to {DRAIN_SECONDS} or more",
        url=f"{_GUIDE}edit-target-group-attributes.html",
        evidence=("deregistrationDelay",),
        remedy={"deregistrationDelay": DRAIN_SECONDS},
        judge=_drains,
    ),
)
