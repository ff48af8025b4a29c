"""Benchmarks of the sidecar, driven through its pipe: `./just bench NAME`. `BENCHMARKS.md` has them all."""
