"""A pytest plugin that replaces the threads of the process, as applications on gevent do first of all."""

from __future__ import annotations

from gevent.monkey import patch_all

patch_all()
