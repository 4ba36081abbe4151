"""Daily and weekly windows as AWS writes them ("03:00-04:00", "sun:04:30-sun:05:30"), in UTC.

Pure functions: how long a window is, whether a daily and a weekly one meet (refusal R26), and what
a store says of the two that it has.
"""

from __future__ import annotations

from settings.core import clash

DAILY = r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$"
WEEKLY = (
    r"^(mon|tue|wed|thu|fri|sat|sun):([01]\d|2[0-3]):[0-5]\d"
    r"-(mon|tue|wed|thu|fri|sat|sun):([01]\d|2[0-3]):[0-5]\d$"
)

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = 24 * 60
_WEEK = 7 * _DAY


def minutes(window: str) -> int:
    """The length of a daily or a weekly window in minutes."""
    start, end, period = _bounds(window)
    return (end - start) % period


def overlap(daily: str, weekly: str) -> bool:
    """Whether the daily window meets the weekly one on any day; touching ends do not count."""
    start, _, _ = _bounds(daily)
    other, _, _ = _bounds(weekly)
    return any(
        _meet(day * _DAY + start, minutes(daily), other, minutes(weekly)) for day in range(7)
    )


def check_pair(
    daily: tuple[str, str, str], weekly: tuple[str, str, str], *, least: int, phrase: str
) -> None:
    """Refuse a store's daily and weekly window that are too short, too long, or meet.

    daily, weekly: key, value, example. least: minutes of either; phrase: those in words for the
    weekly one. Raises the error of `clash`.
    """
    key, value, example = daily
    other_key, other, other_example = weekly
    if minutes(value) < least:
        raise clash(
            key,
            got=f'"{value}"',
            allowed=f"a daily window of {least} minutes or more",
            example=example,
        )
    if not least <= minutes(other) <= _DAY:
        raise clash(
            other_key,
            got=f'"{other}"',
            allowed=f"a weekly window of {phrase} to 24 hours",
            example=other_example,
        )
    if overlap(value, other):
        raise clash(
            other_key,
            got=f'"{other}" with {key} "{value}"',
            allowed=f"a window that does not meet {key} on any day",
            example=other_example,
        )


def _meet(start: int, length: int, other: int, other_length: int) -> bool:
    return (other - start) % _WEEK < length or (start - other) % _WEEK < other_length


def _bounds(window: str) -> tuple[int, int, int]:
    """Start, end and period in minutes; a weekly window counts from Monday midnight."""
    start, end = window.split("-")
    period = _WEEK if window[0].isalpha() else _DAY
    return _minute(start), _minute(end), period


def _minute(point: str) -> int:
    parts = point.split(":")
    day = _DAYS.index(parts[0]) * _DAY if len(parts) == 3 else 0
    return day + int(parts[-2]) * 60 + int(parts[-1])
