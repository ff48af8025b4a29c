"""`./just demo --terminal`: the same job through the pipes alone, with nothing but Python.

Starts the real sidecar with an empty data folder, downloads the demo model from a hub on this computer, shows it a
picture that this program has drawn, and prints the answer as it streams in.
"""

from __future__ import annotations

import argparse
import base64
import sys
from pathlib import Path
from typing import Any

from tests.e2e.first_launch import fresh_machine
from tests.pipe import Pipe

RATE = 4_000_000
"""Bytes a second from the local hub: slow enough that the download can be seen."""
BAR_WIDTH = 40
PATIENCE = 180.0
"""Seconds for loading the model and its first token, on a computer that is busy."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="./just demo", description=__doc__)
    parser.add_argument("--terminal", action="store_true", help="this demo, without a window")
    parser.parse_args()
    with fresh_machine(rate=RATE) as machine, Pipe.sidecar(machine.data_dir, machine.catalog) as sidecar:
        server = sidecar.initialize()["server"]
        print(f"The sidecar runs ({server['name']} {server['version']}); no port is open.")
        download(sidecar)
        print(f"\nA picture, drawn just now: {machine.picture.name}\n")
        ask(sidecar, [], picture_question(machine.picture, "What is in this picture?"))
        small_talk: list[dict[str, Any]] = []
        for question in ("What are you?", "你是谁？"):
            ask(sidecar, small_talk, question)
    return 0


def download(sidecar: Pipe) -> None:
    """Fetches the model, with a progress bar."""
    model = sidecar.request("models/list")["models"][0]
    print(f"Downloading {model['displayName']} from {model['mirrors'][0]}")
    sidecar.request("models/download", {"modelId": model["id"]})
    while True:
        event = sidecar.take(lambda message: message.get("method", "").startswith("builtin-model-download"))["params"]
        filled = round(BAR_WIDTH * event["progress"] / 100)
        bar = "█" * filled + "░" * (BAR_WIDTH - filled)
        print(f"\r{bar} {event['progress']:3.0f} %  {event['message']:<40}", end="" if sys.stdout.isatty() else "\n")
        if event["status"] == "failed":
            raise SystemExit(f"\nThe download failed: {event['kind']}")
        if event["status"] == "completed":
            print()
            return


def picture_question(picture: Path, question: str) -> list[dict[str, Any]]:
    """A message with a picture in it, as OpenAI's clients send it."""
    url = f"data:image/png;base64,{base64.b64encode(picture.read_bytes()).decode()}"
    return [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": question}]


def ask(sidecar: Pipe, chat: list[dict[str, Any]], question: str | list[dict[str, Any]]) -> None:
    """Asks within the chat, prints the answer piece by piece, and adds both to the chat."""
    text = question if isinstance(question, str) else question[-1]["text"]
    print(f"You:             {text}\nKnowledge Focus: ", end="", flush=True)
    chat.append({"role": "user", "content": question})
    request = sidecar.send("chat/completions", {"messages": chat, "stream": True, "priority": 1, "temperature": 0})
    for chunk in sidecar.stream(request, timeout=PATIENCE):
        for choice in chunk["choices"]:
            print(choice["delta"].get("content", ""), end="", flush=True)
    answer = sidecar.result(request)
    print("\n")
    chat.append({"role": "assistant", "content": answer["choices"][0]["message"]["content"]})


if __name__ == "__main__":
    sys.exit(main())
