"""How an image is named: with its registry, by digest, said once for every section.

Meets CICD-07 in its part of the settings: a tag may move, a digest cannot. The grammar is the OCI
distribution specification's ("Pulling manifests": name and tag) and, for what stands before the
first slash, that of the Go module `distribution/reference`, which container runtimes parse with.
Narrower than both: the registry is always said and has a dot (a name without one would be fetched
from Docker Hub unseen), in small letters, with a port of at most five digits; and the digest is
SHA-256.
"""

from __future__ import annotations

_LABEL = "[a-z0-9]([a-z0-9-]*[a-z0-9])?"
_HOST = rf"{_LABEL}(\.{_LABEL})+(:[0-9]{{1,5}})?"
_NAME = r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*"
_TAG = "[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}"

IMAGE = rf"^{_HOST}(/{_NAME})+(:{_TAG})?@sha256:[0-9a-f]{{64}}$"
IMAGE_ALLOWED = "an image by digest, <registry>/<name>[:<tag>]@sha256:<64 hex digits>"
# A registry, or a path in it: what the name of an image may begin with.
REGISTRY = rf"^{_HOST}(/{_NAME})*$"

# What the examples of images end with.
DIGEST = "0123456789abcdef" * 4
