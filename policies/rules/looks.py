"""What looks like a secret, for every rule that looks for one in clear.

Two ways to find one: by the name of what holds it (PASSWORD, adminPassword) and by its look (a
private key, an AWS key, a password inside a URL). What is found is said by its kind, never by its
value: a report would spread it.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping

LOOKS: Mapping[str, re.Pattern[str]] = {
    "a private key": re.compile(r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----"),
    "an AWS access key": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a GitHub token": re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{50})"),
    "a Slack token": re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{10}"),
    # Whoever has the address may write there: https://api.slack.com/messaging/webhooks
    "a webhook's address": re.compile(
        r"://hooks\.slack\.com/(?:services|workflows|triggers)/\w"
        r"|://discord(?:app)?\.com/api/webhooks/\d|://[\w.-]+\.webhook\.office\.com/\w"
    ),
    "an OpenAI key": re.compile(r"\bsk-[A-Za-z0-9_-]{20}"),
    "a signed token": re.compile(r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}"),
    "a header that signs in": re.compile(
        r"\bauthorization[\s:=\"']+(?:bearer|basic|token)\s+[\w.~+/-]{8}", re.IGNORECASE
    ),
    # Not a reference that a template, a shell or an operator fills in: {{ }}, $(X), ${X}, <x>.
    "a password in a URL": re.compile(r"://[^\s/:@\"']*:(?![{$<%])[^\s/@\"']+@"),
    # What the application and its chart fall back to (facts A2 and A21).
    "a secret that everybody knows": re.compile(r"change-me-in-production|supersecretkey"),
}
_WORDS = (
    r"(?:password|passwd|passphrase|(?<!existing)(?<!config)secret|token|credentials?"
    r"|(?:api|private|secret|access)[_-]?key|webhook[_-]?url|requirepass|masterauth)"
)
# One that ends in _FILE, _ARN, _NAME only points at a secret, and so does `key: password`.
SECRET_NAME = re.compile(
    rf"(?:{_WORDS}|dsn|[_-]key|(?-i:^KEY)|(?:^|_)auth)(?:_(?:base|value|\d+))?$", re.IGNORECASE
)
# A line of a configuration file: name = value, name: value; and redis.conf's two.
_LINE = re.compile(
    r"^[ \t]*(?:[\"']?(?P<name>[\w.-]+)[\"']?[ \t]*[:=]|(?P<redis>requirepass|masterauth)[ \t])"
    r"[ \t]*[\"']?(?P<value>[^\s\"',#;]+)",
    re.MULTILINE,
)
# What may stand there: nothing, a switch, a number, a file, a reference.
_HARMLESS = re.compile(r"|true|false|null|none|\d+|\*|[./~].*|.*[{}$<>()].*", re.IGNORECASE)
# An argument, or a variable before a command, whose value is no reference and no file.
_PASSED = re.compile(
    rf"(?:--?[\w.-]*{_WORDS}[= ]|\b\w*(?:{_WORDS}|_dsn|_key)=)"
    r"(?![-\s\"']*[$/<]|[-\s\"']*$)[^\s-]",
    re.IGNORECASE,
)


def looks_like(text: str) -> Iterator[str]:
    """What stands in a text that nobody should read, by its look, in words."""
    return (what for what, look in LOOKS.items() if look.search(text))


def found(text: str, name: str = "") -> list[str]:
    """What stands in a text that nobody should read, by its look or by what its lines are named.

    name: what the text is named itself.
    """
    told = list(looks_like(text))
    if not told and (_lines(text) or (_tells(name) and not _HARMLESS.fullmatch(text))):
        told.append("a password or key")
    return told


def variable_tells(name: str) -> bool:
    """Whether the name of a variable says that it holds a secret."""
    # Nobody refers to something by a variable `key`, as a file of configuration does.
    return _tells(name.upper())


def passed(line: str) -> bool:
    """Whether a command line carries a secret."""
    return bool(_PASSED.search(line) or found(line))


def decoded(text: str) -> str:
    """What base64 stands for; the text itself where it is none."""
    try:
        return base64.b64decode(text, validate=True).decode(errors="replace")
    except (binascii.Error, ValueError):
        return text


def _tells(name: str) -> bool:
    return bool(SECRET_NAME.search(name))


def _lines(text: str) -> bool:
    """Whether a line of a file gives something with a telling name a value."""
    return any(
        not _HARMLESS.fullmatch(line["value"])
        for line in _LINE.finditer(text)
        if line["redis"] or _tells(line["name"])
    )
