"""A pytest plugin that makes red what nbval lets pass without comparing anything.

Load it next to nbval: ``-p nbval_strict``, with tests/ on PYTHONPATH. Red become
- a cell tagged nbval-check-output that lost its execution_count or has no text to compare,
- a cell tagged raises-exception that no longer raises.
"""

import pytest
from notebooks import unchecked


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    result = yield
    cell = getattr(item, "cell", None)
    if cell is None:
        return result
    tags = cell.metadata.get("tags", [])
    if "nbval-check-output" in tags and unchecked(cell):
        pytest.fail(f"{cell.id}: checked cell {unchecked(cell)}", pytrace=False)
    raised = any(output.output_type == "error" for output in item.test_outputs or [])
    if "raises-exception" in tags and not raised:
        pytest.fail(f"{cell.id}: tagged raises-exception, but nothing was raised", pytrace=False)
    return result
