"""What pytest loads when alimock is installed: the name of the plugin.

pytest registers an entry point under the name `alimock`, and what `-p`, `pytest_plugins` and PYTEST_PLUGINS name under the name of
its module. It rejects one module under two names, so the plugin is another module than the entry point.
"""

from __future__ import annotations

pytest_plugins = ["alimock.pytest_plugin"]
