"""Types of resources that no rule knows."""

from __future__ import annotations

from tests.policies.mutation import Mutant, add, several

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        rule="types-covered",
        title="two queues, which nobody judges",
        change=several(
            add("aws:sqs/queue:Queue", "orders", {"kmsMasterKeyId": "alias/ours"}),
            add("aws:sqs/queue:Queue", "mails", {"kmsMasterKeyId": "alias/ours"}),
        ),
        says=("aws:sqs/queue:Queue (2 resources) holds data and no rule judges it",),
        at="arches-prod",
    ),
    Mutant(
        rule="types-covered",
        title="a function",
        change=add("aws:lambda/function:Function", "resize", {"runtime": "python3.13"}),
        says=("aws:lambda/function:Function (1 resource) opens a door and no rule judges it",),
        at="arches-prod",
    ),
    Mutant(
        rule="types-covered",
        title="a type that nobody thought of",
        change=add("aws:athena/workgroup:Workgroup", "analysts", {"name": "analysts"}),
        says=("aws:athena/workgroup:Workgroup (1 resource) is judged by no rule and not excused",),
        at="arches-prod",
    ),
)
