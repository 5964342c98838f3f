"""The clock of the system, which tests cannot replace; an account has a `Clock` of its own.

Tests in the process of an emulator freeze or mock time: freezegun and `unittest.mock` replace the functions of `time`, freezegun
also in the modules that have imported them. Waits and timeouts must work nevertheless. So the functions here come from a second
instance of the built-in module, in which they are other objects. time-machine changes the C code of `time()`, and so this one too.
"""

from __future__ import annotations

import time as replaceable
from collections.abc import Callable
from importlib.machinery import BuiltinImporter
from importlib.util import module_from_spec

_spec = BuiltinImporter.find_spec("time")
assert _spec is not None
_time = module_from_spec(_spec)
BuiltinImporter.exec_module(_time)

time: Callable[[], float] = _time.time
monotonic: Callable[[], float] = _time.monotonic
perf_counter: Callable[[], float] = _time.perf_counter


def replaced_time() -> float | None:
    """Return the epoch seconds that other code in this process sees, or None if a test has replaced them by no number."""
    try:
        return float(replaceable.time())
    except Exception:
        return None
