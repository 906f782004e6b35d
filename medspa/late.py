"""Packages that cost much to load and that few processes need: named at the top of a file, loaded when first used."""

from importlib import import_module
from typing import Any


class Late:
    """A package from elsewhere, never one of ours: `late = Late("webauthn")`, then `late.verify(...)`.

    Safe for threads: Python itself lets one of them load it while the others wait.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(import_module(self._name), attribute)
