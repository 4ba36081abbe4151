"""Containers that come from the wrong place, take too much, or carry secrets."""

from __future__ import annotations

from typing import Any

from rules.model import SECRET, UNKNOWN

from tests.policies.mutation import Change, Mutant, drop, edit, put

_DEPLOYMENT = "kubernetes:apps/v1:Deployment"
_JOB = "kubernetes:batch/v1:Job"
_CRONJOB = "kubernetes:batch/v1:CronJob"
_API = "platform-application-api"
_POD = "spec.template.spec"
_CONTAINER = f"{_POD}.containers.0"
_HEX = "a" * 64
# Cut in two, so that a scanner of this repository finds nothing.
_PRIVATE_KEY = "-----BEGIN RSA PRIVATE" + " KEY-----\nMIIE"
_ACCESS_KEY = "AKIA" + "IOSFODNN7EXAMPLE"
_GITHUB = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
_WEBHOOK = "https://hooks.slack.com" + "/services/T00000000/B00000000/XXXXXXXXXXXX"
_OTHERS = f"999988887777.dkr.ecr.eu-central-1.amazonaws.com/arches-prod-api@sha256:{_HEX}"


def _variable(variable: dict[str, Any], name: str = _API) -> Change:
    def give(values: dict[str, Any]) -> None:
        values["spec"]["template"]["spec"]["containers"][0]["env"].append(variable)

    return edit(_DEPLOYMENT, give, name)


def _image(image: str, says: str) -> dict[str, Any]:
    return {
        "change": put(_DEPLOYMENT, f"{_CONTAINER}.image", image, _API),
        "says": (says,),
    }


def _literal(rule: str, title: str, name: str, value: Any, wrong: str) -> Mutant:
    return Mutant(
        rule=rule,
        title=title,
        change=_variable({"name": name, "value": value}),
        says=(f"variable {name} of container api {wrong}",),
    )


def _projected(title: str, token: dict[str, Any]) -> Mutant:
    volume = {"name": "api", "projected": {"sources": [{"serviceAccountToken": token}]}}

    def give(values: dict[str, Any]) -> None:
        values["spec"]["template"]["spec"].setdefault("volumes", []).append(volume)

    return Mutant(
        rule="pod-token-not-mounted",
        title=title,
        change=edit(_DEPLOYMENT, give, _API),
        says=("volume api holds a token of the Kubernetes API",),
    )


_ENV, _COMMAND = "container-env-no-secret", "container-command-no-secret"

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        rule="container-image-allowed-registry",
        title="an image of a stranger",
        **_image(
            f"docker.io/stranger/api@sha256:{_HEX}",
            "container api comes from docker.io/stranger/api",
        ),
    ),
    Mutant(
        rule="container-image-allowed-registry",
        title="a name that only begins like an allowed one",
        **_image(
            f"ghcr.io/archesai-evil/api@sha256:{_HEX}",
            "container api comes from ghcr.io/archesai-evil/api",
        ),
    ),
    Mutant(
        rule="container-image-allowed-registry",
        title="an image without a registry",
        **_image("archesai/api:latest", "container api comes from archesai/api:latest"),
    ),
    Mutant(
        rule="container-image-allowed-registry",
        title="a registry that looks like the account's",
        **_image(
            f"111122223333.dkr.ecr.eu-central-1.amazonaws.com.evil.example/api@sha256:{_HEX}",
            "container api comes from "
            "111122223333.dkr.ecr.eu-central-1.amazonaws.com.evil.example/api",
        ),
    ),
    Mutant(
        rule="container-image-own-account",
        title="the registry of another account",
        **_image(_OTHERS, "container api comes from the registry of account 999988887777"),
        at=_API,
    ),
    Mutant(
        rule="container-image-by-digest",
        title="a tag that moves",
        **_image(
            "ghcr.io/archesai/archesai:latest",
            "container api runs ghcr.io/archesai/archesai:latest, which may change its content",
        ),
    ),
    Mutant(
        rule="container-image-by-digest",
        title="an init container without a digest",
        change=put(
            _CRONJOB, "spec.jobTemplate.spec.template.spec.initContainers.0.image", "a:1", "*dumps"
        ),
        says=("init container dump runs a:1, which may change its content",),
    ),
    Mutant(
        rule="container-image-by-digest",
        title="no image",
        change=drop(_JOB, f"{_CONTAINER}.image", "*verify"),
        says=("container verify runs no image, which may change its content",),
    ),
    Mutant(
        rule="container-requests-given",
        title="no requests",
        change=drop(_DEPLOYMENT, f"{_CONTAINER}.resources.requests", _API),
        says=("container api requests no cpu and no memory",),
    ),
    Mutant(
        rule="container-requests-given",
        title="no CPU for the tunnel",
        change=drop(_DEPLOYMENT, f"{_POD}.initContainers.0.resources.requests.cpu", _API),
        says=("init container cache-tunnel requests no cpu",),
    ),
    Mutant(
        rule="container-limits-given",
        title="no limit of memory",
        change=drop(_DEPLOYMENT, f"{_CONTAINER}.resources.limits.memory", _API),
        says=("container api has no limit of memory",),
    ),
    Mutant(
        rule="container-limits-given",
        title="nothing said of resources",
        change=drop(_JOB, f"{_CONTAINER}.resources", "*roles"),
        says=("container roles has no limit of ephemeral-storage and of memory",),
    ),
    Mutant(
        rule="container-root-read-only",
        title="a writable image",
        change=put(
            _DEPLOYMENT, f"{_CONTAINER}.securityContext.readOnlyRootFilesystem", False, _API
        ),
        says=("container api may write into its own image",),
    ),
    Mutant(
        rule="container-root-read-only",
        title="no security context",
        change=drop(_JOB, f"{_CONTAINER}.securityContext", "*roles"),
        says=("container roles may write into its own image",),
    ),
    _literal(_ENV, "a password as text", "PGPASSWORD", "hunter2", "holds a secret as text"),
    _literal(_ENV, "a key as text", "OPENAI_API_KEY", "sk-1", "holds a secret as text"),
    _literal(_ENV, "a secret of the stack as text", "GREETING", SECRET, "holds a secret as text"),
    _literal(_ENV, "a token not known yet", "GITHUB_TOKEN", UNKNOWN, "holds a secret as text"),
    _literal(
        _ENV,
        "a password in an address",
        "CACHE",
        "redis://:hunter2@cache:6379",
        "holds a password in a URL",
    ),
    _literal(
        _ENV,
        "the application's published default",
        "SEED",
        "change-me-in-production",
        "holds a secret that everybody knows",
    ),
    _literal(_ENV, "an AWS key", "AWS_ACCESS_KEY_ID", _ACCESS_KEY, "holds an AWS access key"),
    _literal(_ENV, "a private key", "JWT_SIGNER", _PRIVATE_KEY, "holds a private key"),
    _literal(_ENV, "a token by its look", "GH", _GITHUB, "holds a GitHub token"),
    _literal(_ENV, "a webhook by its address", "ALERTS", _WEBHOOK, "holds a webhook's address"),
    _literal(_ENV, "a webhook by its name", "SLACK_WEBHOOK_URL", "any", "holds a secret as text"),
    _literal(
        _ENV,
        "a file of credentials",
        "CONFIG",
        "[default]\naws_secret_access_key = hunter22",
        "holds a password or key",
    ),
    Mutant(
        rule=_COMMAND,
        title="a header that signs in",
        change=put(
            _DEPLOYMENT,
            f"{_CONTAINER}.args",
            ["--header", f"Authorization: Bearer {_GITHUB}"],
            _API,
        ),
        says=("the command line of container api carries a secret",),
    ),
    Mutant(
        rule=_COMMAND,
        title="a header that signs in with what has no look",
        change=put(
            _DEPLOYMENT, f"{_CONTAINER}.args", ["-H", "authorization: Basic aHVudGVyMjI="], _API
        ),
        says=("the command line of container api carries a secret",),
    ),
    Mutant(
        rule=_COMMAND,
        title="an AWS key before a command",
        change=put(
            _DEPLOYMENT,
            f"{_CONTAINER}.command",
            ["sh", "-c", "AWS_SECRET_ACCESS_KEY=hunter22 aws s3 ls"],
            _API,
        ),
        says=("the command line of container api carries a secret",),
    ),
    Mutant(
        rule=_COMMAND,
        title="a password as an argument",
        change=put(_DEPLOYMENT, f"{_CONTAINER}.args", ["api", "--redis-password", "hunter2"], _API),
        says=("the command line of container api carries a secret",),
    ),
    Mutant(
        rule=_COMMAND,
        title="an address with a password",
        change=put(
            _JOB,
            f"{_CONTAINER}.command",
            ["goose", "postgres", "postgresql://owner:hunter2@db/archesai", "up"],
            "*migrations",
        ),
        says=("the command line of container migrations carries a secret",),
    ),
    Mutant(
        rule=_COMMAND,
        title="a secret of the stack as an argument",
        change=put(_DEPLOYMENT, f"{_CONTAINER}.args", ["api", SECRET], _API),
        says=("the command line of container api carries a secret",),
    ),
    Mutant(
        rule="pod-token-not-mounted",
        title="the token mounted",
        change=put(_DEPLOYMENT, f"{_POD}.automountServiceAccountToken", True, _API),
        says=("the pod gets a token of the Kubernetes API",),
    ),
    Mutant(
        rule="pod-token-not-mounted",
        title="nothing said of the token",
        change=drop(_JOB, f"{_POD}.automountServiceAccountToken", "*roles"),
        says=("the pod gets a token of the Kubernetes API",),
    ),
    _projected("a token projected into a volume", {"path": "token"}),
    _projected(
        "a token that names the API server",
        {"path": "token", "audience": "https://kubernetes.default.svc.cluster.local"},
    ),
    Mutant(
        rule="pod-own-service-account",
        title="the default account by its name",
        change=put(_DEPLOYMENT, f"{_POD}.serviceAccountName", "default", _API),
        says=("the pod runs as its namespace's default account",),
    ),
    Mutant(
        rule="pod-own-service-account",
        title="no account named",
        change=drop(_CRONJOB, "spec.jobTemplate.spec.template.spec.serviceAccountName"),
        says=("the pod runs as its namespace's default account",),
    ),
)
