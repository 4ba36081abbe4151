"""Objects in the wrong place, half of an object, objects of yesterday's version."""

from __future__ import annotations

from tests.policies.mutation import Mutant, add, drop, edit, put

_DEPLOYMENT = "kubernetes:apps/v1:Deployment"
_CRONJOB = "kubernetes:batch/v1:CronJob"
_API = "platform-application-api"
_MAP = {"kind": "ConfigMap", "metadata": {"name": "loose"}}

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        rule="object-in-named-namespace",
        title="the API in the default namespace",
        change=put(_DEPLOYMENT, "metadata.namespace", "default", _API),
        says=("it stands in the default namespace",),
    ),
    Mutant(
        rule="object-in-named-namespace",
        title="a policy that says no namespace",
        change=drop("kubernetes:networking.k8s.io/v1:NetworkPolicy", "metadata.namespace", "*-api"),
        says=("it stands in the default namespace",),
    ),
    Mutant(
        rule="object-in-named-namespace",
        title="a loose object in a List",
        change=add("kubernetes:v1:List", "more", {"kind": "List", "items": [_MAP]}),
        says=("ConfigMap loose: it stands in the default namespace",),
    ),
    Mutant(
        rule="object-in-named-namespace",
        title="a custom object that says no namespace",
        change=drop("kubernetes:external-secrets.io/v1:ExternalSecret", "metadata.namespace"),
        says=("it stands in the default namespace",),
    ),
    Mutant(
        rule="kubernetes-objects-whole",
        title="a patch of somebody else's Deployment",
        change=add("kubernetes:apps/v1:DeploymentPatch", "coredns", {"kind": "Deployment"}),
        says=("coredns changes an object that no rule sees whole",),
        at="arches-prod",
    ),
    Mutant(
        rule="kubernetes-objects-whole",
        title="a list of pods",
        change=add("kubernetes:core/v1:PodList", "tools", {"kind": "PodList", "items": []}),
        says=("tools hides objects in a PodList",),
        at="arches-prod",
    ),
    Mutant(
        rule="kubernetes-api-stable",
        title="a beta version of a budget",
        change=add("kubernetes:policy/v1beta1:PodDisruptionBudget", "old", {}),
        says=("old uses policy/v1beta1:PodDisruptionBudget",),
        at="arches-prod",
    ),
    Mutant(
        rule="kubernetes-api-stable",
        title="an alpha version of admission",
        change=add(
            "kubernetes:admissionregistration.k8s.io/v1alpha1:ValidatingAdmissionPolicy", "new", {}
        ),
        says=("new uses admissionregistration.k8s.io/v1alpha1:ValidatingAdmissionPolicy",),
        at="arches-prod",
    ),
    Mutant(
        rule="pod-labelled",
        title="the API without its component",
        change=edit(
            _DEPLOYMENT,
            lambda values: values["spec"]["template"]["metadata"]["labels"].pop(
                "app.kubernetes.io/component"
            ),
            _API,
        ),
        says=("its pods lack app.kubernetes.io/component",),
    ),
    Mutant(
        rule="pod-labelled",
        title="a nightly job without labels",
        change=drop(_CRONJOB, "spec.jobTemplate.spec.template.metadata", "*dumps"),
        says=("its pods lack app.kubernetes.io/component and app.kubernetes.io/name",),
    ),
)
