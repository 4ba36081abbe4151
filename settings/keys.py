"""What an environment may decide about its encryption keys.

Rotation cannot be switched off and a key cannot be shared between purposes: nobody needs either.
"""

from __future__ import annotations

from settings.core import Section, setting


class KeysSettings(Section):
    """Answers SEC-06: keys of our own, rotated, and recoverable for a while after deletion."""

    # ScheduleKeyDeletion takes 7 to 30 days (KMS API reference; refusal K8).
    deletion_window_days: int = setting(
        30,
        allowed="whole days from 7 to 30 in which the deletion of a key can be cancelled",
        example=30,
        ge=7,
        le=30,
    )
    # EnableKeyRotation takes 90 to 2,560 days (KMS API reference); more than a year would fail
    # CIS AWS Foundations 6.0, control 4.6, so it cannot be asked for.
    rotation_period_days: int = setting(
        365,
        allowed="whole days from 90 to 365 between two rotations of a key's material",
        example=365,
        ge=90,
        le=365,
    )
