"""The bridge: mirrors what drivers see to a Realtime Database, in a process of its own.

It reads the status feed as any page does, so it may die, hang or be missing without the controller
or the central system noticing. Nothing imports it; run it by `python -m edge.bridge`.
"""
