"""Coming from Novell Cluster Services: its script files and export files, read as documents of our own.

``directory`` reads a directory of scripts (``NAME.load``, ``NAME.unload``, ``NAME.monitor``), ``export`` the cluster's
XML, ``machines`` guesses from the scripts what machine a resource is. Nothing here trusts a file: sizes, counts and
depths are bounded, links are not followed, and what cannot be taken over is told line by line (``Remark``).
"""
