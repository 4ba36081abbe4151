"""The two providers that everything is made with: identity, region and tags, said once.

Default providers are switched off in every stack file, so a resource that names no provider is an
error of the engine, not a resource without tags. One AWS provider serves every region: a resource
that lives elsewhere says so itself (`region=`, AWS provider v7).
"""

from __future__ import annotations

import pulumi
import pulumi_aws as aws
import pulumi_random as random

from components.context import Context


def providers(context: Context) -> pulumi.ResourceOptions:
    """Options that hand both providers to a component and all its children.

    `allowed_account_ids` makes an `up` with another account's credentials fail at once.
    """
    on_aws = aws.Provider(
        "aws",
        region=context.region,
        allowed_account_ids=[context.account_id],
        default_tags={"tags": context.tags},
    )
    at_random = random.Provider("random")
    return pulumi.ResourceOptions(providers=[on_aws, at_random])
