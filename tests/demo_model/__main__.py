"""Trains the demo model again and prints its scores on held-out data; `--eval` only prints the scores.

The whole training takes twenty minutes on an NVIDIA H100 with 16 CPU cores (with `mlx[cuda13]` installed); on two CPU
cores it takes days. One that was cut short goes on where it stood when it is started again.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from .blas import prefer_openblas

MODEL = Path(__file__).parent / "model"


def positive(text: str) -> int:
    """A number above zero, for argparse."""
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{number} is not above zero")
    return number


def main() -> int:
    """Returns 0 if every score reaches its threshold, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="python -m tests.demo_model", description=__doc__)
    parser.add_argument("--eval", action="store_true", help="do not train; score the model that is there")
    parser.add_argument("--folder", type=Path, default=MODEL, help="the model's folder (default: the committed one)")
    parser.add_argument(
        "--count", type=positive, default=200, help="held-out conversations for each score (default: %(default)s)"
    )
    parser.add_argument("--show", type=int, default=0, metavar="N", help="print up to N wrong answers for each score")
    parser.add_argument(
        "--workers", type=int, default=max(1, (os.cpu_count() or 2) - 1), help="processes that draw training data"
    )
    trial = parser.add_argument_group("trying the script out with less of everything")
    trial.add_argument("--vision-steps", type=int)
    trial.add_argument("--steps", type=int)
    trial.add_argument("--batch-percent", type=int)
    options = parser.parse_args()

    prefer_openblas()
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    # After OpenBLAS: both import MLX.
    from .evaluation import print_scores

    if not options.eval:
        from .training import Recipe, train

        smaller = {
            name: value
            for name in ("vision_steps", "steps", "batch_percent")
            if (value := getattr(options, name)) is not None
        }
        train(options.folder, Recipe(**smaller), options.workers)
    return 0 if print_scores(options.folder, options.count, show=options.show) else 1


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)  # the interpreter's own exit can abort after MLX has run on other threads
