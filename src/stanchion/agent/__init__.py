"""The daemon of one host: it keeps its lease, follows the store, reacts, and decides while it is the master.

All judgement lives in ``plan``; here is what judgement must not touch: time, tasks and doors. ``daemon`` puts the
parts together, ``follow`` makes a view of every change in the store, ``loop`` holds the one mutable reference,
``tenure`` keeps the session, ``executor`` carries actions out and ``mastery`` decides while this node is the master.
"""
