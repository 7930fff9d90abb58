"""Machines run by plain QEMU, one process each and no daemon between.

    config    the machine's configuration file, and the command line made of it
    process   which process of this host is the machine; ending it; the directory with its sockets
    qmp       QEMU's own protocol over a Unix socket: questions, orders, events
    accel     whether KVM works here, found out by booting
    agent     the OCF agent ``ocf:stanchion:Qemu``

Everything here needs only the standard library and starts in a few hundredths of a second, because the agent is
started anew for every action (``share/resource.d/stanchion/Qemu``).
"""
