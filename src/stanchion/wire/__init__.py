"""The shapes that cross HTTP: what the API answers (``replies``) and what it can be asked (``requests``).

The API, the client and the command line share these pydantic models, so a field is renamed in one place or not at
all. A reader of a reply ignores fields that it does not know, so that an older command line can talk to a newer
agent; an unknown field of a request is an error, because a typing mistake in ``max_failures`` must not be ignored
silently. All instants are UTC, written as ISO 8601; all durations are seconds and say so by the suffix ``_s``. Words
for states, modes and verbs are those of ``model``; nothing here decides and nothing here knows the web framework.
"""
