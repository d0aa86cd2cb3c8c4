"""The sanity checks of theory 5, one per file: the properties of the method that each model shares, computed from definitions.

A check derives every line through the engine (`sde`, `generator`, `stationary`) and compares it with the claim of
theory 5; it fails when the engine says otherwise. `sdescent.derive.sanity.every` collects them.
"""
