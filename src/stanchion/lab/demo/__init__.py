"""The demonstration: three pretend hosts, three real virtual machines, and what happens when things break.

``__main__`` reads the options and runs the steps, ``stage`` sets up and takes down what they play on, ``machines``
listens to the guests, ``telling`` writes what people read, ``calm`` and ``faults`` hold the steps themselves. A step
believes nobody: the cluster says where a machine runs, but the machine's own serial line says whether it does.
"""
