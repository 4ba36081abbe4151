"""Registers the resources listed in the file $REPLAY_RESOURCES, $REPLAY_TIMES over.

The benchmark's program: with the list of a real preview it measures growth, with trivial
resources it is the floor, the least that the engine needs for that many registrations.
"""

import json
import os
from pathlib import Path

import pulumi

resources = json.loads(Path(os.environ["REPLAY_RESOURCES"]).read_text(encoding="utf-8"))


class Provider(pulumi.ProviderResource):
    """A provider of any package."""

    def __init__(self, package: str, settings: dict) -> None:
        super().__init__(package, package, settings)


providers = {
    package: Provider(package, settings) for package, settings in resources["providers"].items()
}
for turn in range(int(os.environ.get("REPLAY_TIMES", "1"))):
    for item in resources["resources"]:
        package = item["type"].split(":")[0]
        pulumi.CustomResource(
            item["type"],
            f"{item['name']}-{turn}",
            item["inputs"],
            pulumi.ResourceOptions(provider=providers[package]),
        )
