from pathlib import Path

import pytest

from tests.deploy.chart import Chart


@pytest.fixture
def chart(tmp_path: Path) -> Chart:
    return Chart(tmp_path)
