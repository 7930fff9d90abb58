"""The Xen lab: two Xen hosts and a witness as virtual machines of one computer, slow and real.

Each host is a QEMU without KVM that boots Debian's Xen with a dom0 of Debian packages. In it run Stanchion as it is
installed anywhere, its member of etcd, the kernel's watchdog, LVM on shared disks, and Xen guests; nothing is pretended
but the hardware.

- ``place``     where the image and what a run makes are kept.
- ``furnish``   the files that make a plain Debian a host of this lab.
- ``image``     from Debian packages and this source tree to a disk image that boots.
- ``iron``      the machines as QEMU's words, and their disks.
- ``board``     the rack: it gives and takes power, keeps the wires, and hears what guests say.
- ``remote``    commands on the hosts, over ssh.
- ``guests``    the Xen guests: their configuration, and what runs in them.
- ``samples``   the original's sample scripts, edited where they tell the administrator to.
- ``founding``  from three hosts that booted to a cluster, by the commands that an administrator types.
- ``scene``     what the steps reach: the command line, the hosts, the guests, with patience.
- ``steps``, ``faults``  what an administrator does with Xen machines, what befalls them, and what must come of it.
- ``__main__``  ``./scripts/lab-xen``.
"""
