"""Packages that cost much to load and that few processes need: named at the top of a file, loaded when first used."""

import sys
from importlib import import_module
from threading import Lock
from types import ModuleType
from typing import Any

_one_at_a_time = Lock()


class Late:
    """A package from elsewhere, never one of ours: `late = Late("webauthn")`, then `late.verify(...)`.

    Safe for threads: Python itself lets one of them load it while the others wait.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(import_module(self._name), attribute)


class StandIn(ModuleType):
    """What `import` finds in place of a package that somebody else's code names at the top of a file."""

    def __getattr__(self, attribute: str) -> Any:
        with _one_at_a_time:
            if sys.modules.get(self.__name__) is self:
                del sys.modules[self.__name__]
        return getattr(import_module(self.__name__), attribute)


def load_late(*names: str) -> None:
    """From now on these packages are loaded when one of their words is first used, unless they are already there."""
    for name in names:
        sys.modules.setdefault(name, StandIn(name))
