"""The settings of the whole cluster: one page, in sections as the original had them, each saved by itself.

- ``page``      the page: what every section shows.
- ``cluster``   Policies, Quorum Triggers and Protocol.
- ``order``     Priorities: the order in which resources load, changed by moving one at a time.
- ``groups``    resources that are kept apart or together.
- ``notify``    who is told of what, and trying it out.
- ``standing``  what holds the whole cluster back: a pause, its stop.
- ``routes``    all their forms.

A section that is refused comes back with the one sentence that says why and with everything entered still in it.
"""
