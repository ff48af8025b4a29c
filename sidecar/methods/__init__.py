"""What each method of the pipe does: validate (done by `rpc`), call one object, answer. One module per namespace.

Each module's `bind` takes the objects it calls, and gives the methods with their handlers.
"""
