"""Who this deployment is: names, account, regions, and the tags that follow from them."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from settings.core import Section, clash, setting

REGION = (
    r"^(af|ap|ca|eu|il|me|mx|sa|us)(-gov)?"
    r"-(central|north|south|east|west|northeast|southeast|northwest|southwest)-\d$"
)


class Identity(Section):
    """Answers GEN-01 and GEN-03: one program, and cost that can be attributed."""

    project: str = setting(
        "arches",
        allowed="3 to 12 small letters or digits, a letter first (it starts bucket and role names)",
        example="arches",
        pattern=r"^[a-z][a-z0-9]{2,11}$",
    )
    account_id: str = setting(
        allowed="the 12 digits of the AWS account that this environment may touch, quoted",
        example="111122223333",
        pattern=r"^\d{12}$",
    )
    region: str = setting(allowed="an AWS region", example="eu-central-1", pattern=REGION)
    backup_region: str = setting(
        allowed="an AWS region other than region, for the second copy of every backup",
        example="eu-west-1",
        pattern=REGION,
    )
    serves_customers: bool = setting(
        allowed="true where people depend on this environment (three zones, redundancy and "
        "long retention are then demanded), else false",
        example=True,
    )
    protect: bool = setting(
        True,
        allowed="true keeps `pulumi destroy` and the services from deleting data; false only "
        "where servesCustomers is false",
        example=True,
    )
    owner: str = setting(
        allowed="the team that answers for this environment, 2 to 63 characters",
        example="platform-team",
        min_length=2,
        max_length=63,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9 _.@-]+$",
    )
    cost_center: str = setting(
        allowed="the cost allocation tag's value, 2 to 63 characters",
        example="arches-production",
        min_length=2,
        max_length=63,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9 _.@-]+$",
    )

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if self.region == self.backup_region:
            raise clash(
                "backupRegion",
                got=f'"{self.backup_region}", the same as region',
                allowed="a second region, so that losing one region loses no backup",
                example="eu-west-1",
            )
        if self.serves_customers and not self.protect:
            raise clash(
                "protect",
                got="false while servesCustomers is true",
                allowed="true wherever servesCustomers is true",
                example="true",
            )
        return self
