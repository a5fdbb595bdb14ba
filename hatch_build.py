"""Wheels carry the native engine where there is a C compiler, and the page's notation where there is npm."""

from __future__ import annotations

import sys
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class EngineHook(BuildHookInterface):  # type: ignore[misc]
    """Builds the engine and fetches the page's parts into a wheel."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called before a wheel is put together."""
        sys.path.insert(0, self.root)
        self._fetch_parts()
        self._build_engine(version, build_data)

    def _build_engine(self, version: str, build_data: dict[str, Any]) -> None:
        from jamlink.engine import build
        from jamlink.errors import Unavailable

        try:
            made = build.build()
        except Unavailable as missing:
            self.app.display_warning(str(missing))
            return
        if version == "standard":
            for file in (made, build.seal(made)):
                build_data["force_include"][str(file)] = f"jamlink/engine/native/built/{file.name}"
            build_data["pure_python"] = False
            build_data["infer_tag"] = True

    def _fetch_parts(self) -> None:
        from jamlink.errors import Unavailable
        from jamlink.web import parts

        try:
            parts.fetch(parts.PAGE, parts.VENDOR)
        except Unavailable as missing:
            self.app.display_warning(str(missing))
