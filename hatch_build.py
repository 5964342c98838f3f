"""The part of the metadata that depends on where alimock is released: the links to the repository.

No address is built in. A release sets REPOSITORY_URL; without it the packages name none.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

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
                r"""(?P<start>\]\(|(?:src|href)=")(?!\w+:|#)(?P<path>[^)"#]+)""",
                lambda link: (
                    f"{link['start']}{tree.format('raw' if link['path'].endswith(('.png', '.svg')) else 'blob')}{link['path']}"
                ),
                text,
            )
        metadata["readme"] = {"content-type": "text/markdown", "text": text}
