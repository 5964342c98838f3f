"""A pytest plugin that replaces the threads of the process, as applications on eventlet do first of all."""

from __future__ import annotations

from eventlet import monkey_patch

monkey_patch()
