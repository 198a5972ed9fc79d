"""The agents that play: scripted bots, snapshots of policies, plug-ins.

Importing the package imports nothing else: torch and numba load with the module that needs them.
"""
