"""Stanchion keeps virtual machines standing: high availability for Xen and KVM hosts."""

__version__ = "0.1.0"
