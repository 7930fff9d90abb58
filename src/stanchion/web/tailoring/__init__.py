"""Templates: what resources are made from, looked at, edited, cloned and deleted.

- ``pages``    the list and the page of one template, and the orders that are given there.
- ``editing``  the form that changes one: its own fields, the form that it asks, settings and scripts.
"""
