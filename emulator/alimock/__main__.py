"""Run the command `alimock` for `python -m alimock`."""

from __future__ import annotations

import sys

from alimock.cli.main import main

sys.exit(main())
