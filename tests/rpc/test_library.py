"""`library/scan`: the last stage of a start."""

from tests.pipe import Pipe


def test_a_scan_without_folders_says_that_there_is_none(sidecar: Pipe) -> None:
    assert sidecar.request("library/scan") == {"folders": 0}
