"""The KVM lab: libvirt hosts on one computer, each with a libvirtd, a network and processes of its own.

- ``rooms``     what a host of this lab sees: its own libvirt directories and processes, the others' names.
- ``hosts``     the hosts in their rooms, as a cluster.
- ``machines``  the guests, as libvirt's XML and as what they say on their serial lines.
- ``steps``     what an administrator does with them, and what must come of it.
- ``__main__``  ``./scripts/lab-kvm``: the steps, one run or several. ``bench/migration`` measures on the same hosts.

The guests are real QEMUs under a real libvirtd, driven by the real ``ocf:heartbeat:VirtualDomain`` without Pacemaker.
They run on KVM where a guest can be *booted* on it, and on QEMU's own translation otherwise.
"""
