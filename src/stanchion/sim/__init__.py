"""The house with pretend weather: the agent's own code on virtual time, over pretend hosts and a store in memory.

``loop`` owns the clock, ``store`` is the store, ``host`` is one pretend host with its machines, scripts, watchdog and
journal, and ``world`` puts a cluster of them together and lets a test or a simulation act on it. Nothing of the agent
is replaced but what stands behind its ports.
"""
