import sys
from pathlib import Path

import pytest

from tests.pipe import Pipe


def test_what_python_c_and_children_print_goes_to_stderr_and_never_between_messages(probe: Pipe) -> None:
    assert probe.request("probe/print") == {}
    assert probe.request("ping") == {"pong": True}
    assert probe.strays == []
    for text in ("from Python", "from Python's first stdout", "to fd 1", "from C", "from a child"):
        assert text in probe.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_children_do_not_inherit_the_pipe(probe: Pipe) -> None:
    """A child that outlives the sidecar must not keep its pipe open."""
    fds = Path(f"/proc/{probe.process.pid}/fdinfo")
    targets = {fd.name: (fds.parent / "fd" / fd.name).readlink() for fd in fds.iterdir()}
    for name, target in targets.items():
        flags = next(line for line in (fds / name).read_text().splitlines() if line.startswith("flags:"))
        close_on_exec = int(flags.split()[1], 8) & 0o2000000
        is_pipe = str(target).startswith("pipe:")
        assert close_on_exec or not is_pipe or name in ("1", "2"), f"fd {name} → {target}"
