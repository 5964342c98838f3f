"""The contract's tables: what code that reads them relies on."""

from __future__ import annotations

import pytest
from alimock.spec.contract import OPERATIONS, Operation


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=lambda operation: operation.name)
def test_required_parameters_come_first(operation: Operation) -> None:
    required = [parameter.required for parameter in operation.own_parameters]
    assert required == sorted(required, reverse=True)
