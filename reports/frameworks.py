"""Frameworks, their controls, and what no rule answers, from the catalogue of the policy pack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rules import controls, coverage

from reports.model import WORST, ControlResult, FrameworkResult, RuleResult
