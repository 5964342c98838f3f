"""What the build adds to the package: its version, and in the metadata the links to the repository.

No address is built in. A release sets REPOSITORY_URL; without it the packages name none.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface


class RepositoryHook(MetadataHookInterface):
    """Add the URLs, and make the links of the README absolute, since a package index shows it without the other files."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set `urls` and `readme`."""
        text = Path(self.root, "README.md").read_text(encoding="utf-8")
        url = os.environ.get("REPOSITORY_URL")
        if url:
            tree = f"{url}/{{}}/v{metadata['version']}/"
            metadata["urls"] = {
                "Source": url,
                "Issues": f"{url}/issues",
                "Changelog": f"{tree.format('blob')}CHANGELOG.md",
            }
            text = re.sub(
                r"""(?P<start>\]\(|(?:src|srcset|href)=")(?!\w+:|#)(?P<path>[^)"#]+)""",
                lambda link: (
                    f"{link['start']}{tree.format('raw' if link['path'].endswith(('.png', '.svg')) else 'blob')}{link['path']}"
                ),
                text,
            )
        metadata["readme"] = {"content-type": "text/markdown", "text": text}


class VersionHook(BuildHookInterface):
    """Add the module `_version`, since reading the metadata would take longer than everything else that `import alimock` does."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the module to the sources for an editable installation only: otherwise they may be read-only."""
        self._folder = TemporaryDirectory()
        editable = version == "editable"
        module = Path(self.root, "emulator/alimock/_version.py") if editable else Path(self._folder.name, "_version.py")
        module.write_text(f'VERSION = "{self.metadata.version}"\n')
        if not editable:
            build_data["force_include"][str(module)] = "alimock/_version.py"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what `initialize` has written outside the sources."""
        self._folder.cleanup()
