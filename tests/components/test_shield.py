"""Shield Advanced costs 3,000 USD a month: nothing may buy it by accident."""

from __future__ import annotations

from typing import Any

from components.shield import Shield, ShieldArgs
from tests.components.test_dns import assert_at_home, deploy
from tests.neighbours import context, known, neighbour
from tests.recorder import Recorder, once
from tests.settings.test_edge_settings import edge

SUBSCRIPTION = "aws:shield/subscription:Subscription"
PROTECTION = "aws:shield/protection:Protection"


@once
def shield(**chosen: Any) -> Recorder:
    def args() -> ShieldArgs:
        return ShieldArgs(
            context=context(),
            settings=edge(shieldAdvanced=chosen),
            cdn=neighbour(
                distribution_arns={
                    label: known(f"arn:aws:cloudfront::1:distribution/{label}")
                    for label in ("api", "app")
                }
            ),
            dns=neighbour(zone_arn=known("arn:aws:route53:::hostedzone/Z1")),
        )

    return deploy(lambda opts: Shield("shield", args(), opts))


def test_by_default_there_is_nothing_to_pay_for() -> None:
    assert shield().custom == []


def test_an_environment_may_join_the_accounts_subscription_without_buying_a_second() -> None:
    recorder = shield(protect=True)
    assert recorder.of(SUBSCRIPTION) == [], "a second subscription is refused (H1)"
    arns = {p.name: p.inputs["resourceArn"] for p in recorder.of(PROTECTION)}
    assert arns == {
        "shield-api": "arn:aws:cloudfront::1:distribution/api",
        "shield-app": "arn:aws:cloudfront::1:distribution/app",
        "shield-zone": "arn:aws:route53:::hostedzone/Z1",
    }


def test_a_subscription_is_not_renewed_unless_asked_and_comes_before_what_it_protects() -> None:
    recorder = shield(protect=True, subscribe=True)
    subscription = recorder.one(SUBSCRIPTION)
    assert subscription.inputs["autoRenew"] == "DISABLED"
    assert subscription.inputs["skipDestroy"] is True, "a destroy would fail for a year"
    for protection in recorder.of(PROTECTION):
        assert subscription.urn in protection.dependencies
    assert_at_home(recorder, "shield")


def test_renewal_is_a_choice() -> None:
    recorder = shield(protect=True, subscribe=True, autoRenew=True)
    assert recorder.one(SUBSCRIPTION).inputs["autoRenew"] == "ENABLED"
