"""One resource: its page, with a tab for each thing that there is to know or to do about it.

Each tab is a page of its own, with a URL of its own, and a module here: ``details``, ``scripts`` (with ``revisions``
and ``trying``), ``monitoring``, ``preferred``, ``policies``, ``runs`` and ``events``. ``around`` looks at what stands
above all of them, ``words`` says what numbers mean, and ``orders`` carries out what is ordered on any of them.
"""
