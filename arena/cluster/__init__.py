"""Workers on the nodes of a Ray cluster, supervised like those of this machine.

Three kinds of process: the league's own, which never imports Ray; a *driver* below it
(arena.cluster.driver), which joins the cluster or starts one; and a *host* for each worker
(arena.cluster.host), an actor on some node, which starts the worker as its child. So exit codes,
signals and last words of workers are known as on one machine, and what ends a driver, which the
loss of a head node does, costs the matches in flight and not the league.
"""
