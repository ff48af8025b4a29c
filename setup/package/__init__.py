"""`./just package`: the app as people install it, with all it needs to make its Python environment.

`lock.py` reads what `uv.lock` says of a computer, `wheels.py` gets the packages, `licences.py` gathers what the parts'
authors ask to be told, `bundle.py` lays the sidecar's bundle, and `__main__.py` has Tauri wrap it all. `release.py`
describes packages for those who look for a newer version.
"""
