"""What an environment may decide, read once and checked at the door.

`Pulumi.<stack>.yaml` is the only place of an environment's facts. `load()` reads them inside a
Pulumi program, `read(path)` reads the same file without any engine; both give one frozen
`Environment` or raise `SettingsError` with one line per refused key.
"""

from settings.core import SettingsError
from settings.environment import Environment
from settings.source import load, read

__all__ = ["Environment", "SettingsError", "load", "read"]
