"""The embedded engine: MiniStack with its gaps closed, on loopback, with the real template deployed
into it.
"""
