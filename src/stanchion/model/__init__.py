"""The ground floor: frozen records that say what exists, and nothing that does anything.

Every record is a frozen, slotted, keyword-only dataclass; states are ``StrEnum``; identifiers are ``NewType`` over
``str`` or ``int``. A change is a new record made with ``dataclasses.replace``. Nothing here imports anything beyond
``dataclasses``, ``enum`` and ``typing``: no clock, no chance, no I/O, so that every decision made from these records
can be replayed from a bug report.

Start with ``resource`` (what an administrator configures), ``state`` (what the cluster knows about it now) and
``cluster`` (the frozen snapshot that decisions are made from).
"""
