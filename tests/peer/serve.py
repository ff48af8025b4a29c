"""`python serve.py ARGUMENTS`: mlx-vlm's server with OpenBLAS opened first, as our sidecar does it.

Without it MLX's CPU wheel is twenty times slower, and the comparison would be one of BLAS libraries. Runs in this
folder's own environment.
"""

import ctypes
import runpy
import sys

if sys.platform == "linux":
    try:
        ctypes.CDLL("libopenblas.so.0", mode=ctypes.RTLD_GLOBAL)
    except OSError:
        print("libopenblas.so.0 is not installed: this will be slow", file=sys.stderr)
runpy.run_module("mlx_vlm.server", run_name="__main__", alter_sys=True)
