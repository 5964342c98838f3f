"""Makes `python -m alimock` the same as the command `alimock`."""

from __future__ import annotations

import sys

from alimock.cli.main import main

sys.exit(main())
