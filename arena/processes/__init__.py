"""Supervised processes: workers that play jobs, and the parts that learners share with them.

Nothing here knows the game: a job is anything picklable, a player any "module:function".
"""
