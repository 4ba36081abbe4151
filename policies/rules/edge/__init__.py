"""Edge: between the internet and the cluster, from names to listeners."""

from rules.edge import cdn, edge, firewall, listeners, names, response_headers
from rules.model import Rule, StackRule

RULES: tuple[Rule | StackRule, ...] = (
    *edge.RULES,
    *listeners.RULES,
    *cdn.RULES,
    *response_headers.RULES,
    *firewall.RULES,
    *names.RULES,
)
