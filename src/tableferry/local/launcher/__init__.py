"""Runs MiniStack with the gaps closed that make a test pass wrongly or lose data.

`python -m tableferry.local.launcher --port N` patches the installed MiniStack in memory and serves
it on loopback. Each gap is one module with a `close()`; `gaps.py` lists them. A patch names the
digest of the source it replaces, so that another MiniStack fails at start and not in the middle of
a test.
"""
