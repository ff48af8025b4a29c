"""The frame of a safetensors file, read without its weights."""

import json
from pathlib import Path

LONGEST_HEADER = 100_000_000
"""Bytes; the format's own limit."""


def is_whole(path: Path) -> bool:
    """Whether the file is as long as its header says: 8 bytes with the header's length, the header, the weights.

    The format: https://huggingface.co/docs/safetensors. Raises `OSError` where the file cannot be read.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > min(LONGEST_HEADER, size - 8):
            return False
        try:
            header = json.loads(file.read(length))
            tensors = [entry for name, entry in header.items() if name != "__metadata__"]
            end = max((int(entry["data_offsets"][1]) for entry in tensors), default=0)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
            return False
    return size == 8 + length + end
