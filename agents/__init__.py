"""Who plays: scripted members, snapshots of policies, plug-ins.

Importing the package imports nothing else: torch and numba come with the module that needs them.
"""
