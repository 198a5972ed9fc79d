"""Processes that are supervised: a pool of workers for jobs, and the parts that learners use too.

Nothing here knows the game: a job is anything picklable, a player any "module:function".
"""
