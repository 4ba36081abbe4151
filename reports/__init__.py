"""Reports: from the engine's events and the stack's state to what auditors and reviewers read.

The policy pack runs with its own folder as import root, so this package puts that folder on the
path before it reads the rules.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

if (_pack := str(ROOT / "policies")) not in sys.path:
    sys.path.append(_pack)
