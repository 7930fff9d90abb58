"""The child that asks PAM for the agent (``drivers.pam``): a question on standard input, the answer on standard output.

It is run by its path, in a Python of its own, and so imports nothing of ours.
"""

import grp
import json
import os
import pwd
import sys
from contextlib import suppress

import pam


def answer(asked: str) -> str:
    """Give the person's groups as JSON, ``null`` where PAM does not let him in."""
    given = json.loads(asked)
    name = given["name"]
    if not pam.pam().authenticate(name, given["password"], service=given["service"]):
        return "null"
    groups = []
    for number in os.getgrouplist(name, pwd.getpwnam(name).pw_gid):
        with suppress(KeyError):
            groups.append(grp.getgrgid(number).gr_name)
    return json.dumps(groups)


if __name__ == "__main__":
    sys.stdout.write(answer(sys.stdin.read()))
