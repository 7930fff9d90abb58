"""Certificates: the cluster's own authority, what it signs, and what it means when two ends do not believe each other.

``authority`` is the certificate authority of one cluster, ``papers`` are the key and certificate of one host, and
``contexts`` makes of them the two ends of a TLS connection, with a plain sentence for each way in which a handshake
fails. This is the only place that knows ``cryptography``.
"""
