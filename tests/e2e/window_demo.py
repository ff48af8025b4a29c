"""`./just demo`: the app's main job, offline, with the small demo model from a hub on this computer.

With a display the window opens for the person. Without one it opens on a virtual display, and this program does what
a person would, prints the conversation and says where its pictures of the screen are. --unattended asks for that in
any case.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from tests.e2e import journey
from tests.e2e.display import has_display, virtual_display
from tests.e2e.first_launch import ROOT, FreshMachine, fresh_machine
from tests.e2e.window import BINARY, Window, open_window

PICTURES = ROOT / "dist/demo"
RATE = 4_000_000
"""Bytes a second from the local hub: slow enough that the download can be seen."""

PICTURE_QUESTION = "What is in this picture?"
SMALL_TALK = ["What are you?", "你是谁？"]


def main() -> int:
    parser = argparse.ArgumentParser(prog="./just demo", description=__doc__)
    parser.add_argument("--unattended", action="store_true", help="drive the window even where there is a display")
    options = parser.parse_args()
    with fresh_machine(rate=RATE) as machine:
        if has_display() and not options.unattended:
            return attended(machine)
        return unattended(machine, PICTURES)


def attended(machine: FreshMachine) -> int:
    """Opens the window for the person and waits until they close it."""
    print("Knowledge Focus opens with an empty data folder and the demo model from a hub on this computer.")
    print(f"A picture to ask about: {machine.picture}")
    return subprocess.run([BINARY, *machine.arguments], check=False).returncode


def unattended(machine: FreshMachine, pictures: Path) -> int:
    """Drives the window through a first launch and a short conversation on a virtual display."""
    screenshots = []
    with (
        virtual_display() as display,
        open_window(machine.arguments, display=display, pictures=pictures, home=machine.home) as window,
    ):
        window.by_role("button", "Download")
        screenshots.append(window.screenshot("1-consent"))
        print(f"The window asks before it fetches anything from {machine.hub}. Agreeing …")
        journey.agree_to_download(window)
        window.by_role("progressbar", "Download progress")
        window.wait_for_text("left")  # how long it will take: known once some of it is here
        screenshots.append(window.screenshot("2-download"))
        window.by_role("textbox", "Message")
        screenshots.append(window.screenshot("3-chat"))
        print(f"The model is on disk. Attaching {machine.picture.name}.\n")
        journey.attach(window, machine.picture)
        talk(window, PICTURE_QUESTION)
        screenshots.append(window.screenshot("4-answer"))
        window.click("button", "New chat")
        for question in SMALL_TALK:
            talk(window, question)
        screenshots.append(window.screenshot("5-small-talk"))
        window.quit()
    print("Pictures of the screen:")
    for path in screenshots:
        print(f"  {path}")
    return 0


def talk(window: Window, question: str) -> None:
    """Asks, and prints both sides."""
    print(f"You:             {question}")
    print(f"Knowledge Focus: {journey.ask(window, question)}\n")


if __name__ == "__main__":
    sys.exit(main())
