"""What a person does in Settings, step by step, in the real window."""

from __future__ import annotations

from tests.e2e.window import Window

JOBS = ("Vision", "Text", "Structured output", "Tool use")


def open_settings(window: Window, section: str) -> None:
    """From the page below, through its menu."""
    window.click("button", "Settings")
    window.click("menuitem", "Settings…")
    show(window, section)


def show(window: Window, section: str) -> None:
    """Goes to another section."""
    window.by_role("dialog", "Settings")
    window.click("button", section)


def leave_settings(window: Window) -> None:
    """Back to the page below."""
    window.click("button", "Back")
    window.wait(lambda: not window.has("dialog", "Settings"), "Settings stayed")


def add_provider(window: Window, name: str, address: str) -> None:
    """Fills in the form and saves it."""
    window.click("button", "Add provider")
    window.by_role("textbox", "Name").send_keys(name)
    window.by_role("textbox", "Address").send_keys(address)
    window.click("button", "Save")


def list_model(window: Window, model: str) -> None:
    """Asks the provider what it has, and lists the one model."""
    window.click("button", "Find models")
    window.click("checkbox", model)
    window.click("button", "Use these")
    window.by_role("button", f"Test {model}")


def give(window: Window, job: str, model: str) -> None:
    """Gives a job to a model, in the section of the capabilities."""
    window.click("button", f"Model for {job}")
    window.click("menuitemradio", model)
    window.by_role("button", f"Model for {job}: {model}")
