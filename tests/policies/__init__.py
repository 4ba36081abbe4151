"""Tests of the policy pack, which runs with its own folder as import root."""

import sys
from pathlib import Path

if (_pack := str(Path(__file__).resolve().parents[2] / "policies")) not in sys.path:
    sys.path.append(_pack)
