"""A bus of the test's own, and on it an empty keyring of GNOME's: what the shell takes for the system's keychain."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

PATIENCE = 30
"""Seconds that the keyring may take to come up."""

# Nothing is started on it by being asked for: what a machine has installed makes no difference.
_BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
  "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:dir=/tmp</listen>
  <auth>EXTERNAL</auth>
  <policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/></policy>
</busconfig>
"""


@contextmanager
def session_bus(home: Path) -> Iterator[dict[str, str]]:
    """Runs the bus, and yields the variable by which a program finds it. It ends with the context."""
    configuration = home / "bus.conf"
    configuration.write_text(_BUS)
    bus = subprocess.Popen(
        ["dbus-daemon", f"--config-file={configuration}", "--nofork", "--print-address"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert bus.stdout is not None
    with bus, _ending(bus):
        address = bus.stdout.readline().strip()  # written once it takes connections; EOF if it died
        assert address, "the bus did not start"
        yield {"DBUS_SESSION_BUS_ADDRESS": address}


@contextmanager
def open_keyring(home: Path) -> Iterator[dict[str, str]]:
    """Runs both, and yields the variables by which a program finds them. They end with the context."""
    with session_bus(home) as variables:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "XDG_DATA_HOME": str(home / "keyrings"),
            "XDG_RUNTIME_DIR": str(home),
            **variables,
        }
        keyring = subprocess.Popen(
            ["gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets"],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        assert keyring.stdin is not None
        with keyring, _ending(keyring):
            keyring.stdin.write(b"password")
            keyring.stdin.close()
            _wait_for_service(environment)
            yield variables


@contextmanager
def _ending(process: subprocess.Popen[bytes] | subprocess.Popen[str]) -> Iterator[None]:
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE)


def _wait_for_service(environment: Mapping[str, str]) -> None:
    """Asks the bus itself, which knows at once, until the keyring has its name."""
    question = ["dbus-send", "--print-reply", "--dest=org.freedesktop.DBus", "/", "org.freedesktop.DBus.NameHasOwner"]
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        answer = subprocess.run(
            [*question, "string:org.freedesktop.secrets"],
            env=environment,
            capture_output=True,
            check=True,
            timeout=PATIENCE,
        )
        if b"boolean true" in answer.stdout:
            return
    raise AssertionError(f"no keyring within {PATIENCE} s")
