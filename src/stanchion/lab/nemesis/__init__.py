"""The nemesis: a rack of pretend hosts on which everything goes wrong, drawn from a seed, and then it must be well.

``draw`` says what can happen and draws it, ``storm`` carries it out, ``calm`` makes everything whole again and waits
until the cluster is, ``judges`` look at what was seen meanwhile, ``history`` keeps it. ``__main__`` plays storm and
calm in turns until the time is over. The simulator draws far more lives; here they are lived by real processes, real
machines and a real etcd, so that what the simulator takes for granted is tried too.
"""
