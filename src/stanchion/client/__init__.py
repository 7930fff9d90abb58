"""The typed client of the REST API: what the command line and other programs speak to a cluster with.

``connection.find`` learns where the agents answer and which token they ask for; ``Client`` has one method for each
thing that can be asked, takes and gives the wire's models, and raises the same errors that the agent raised. The
client is asynchronous because the long polls, the event stream and several clusters at once need it; a command line
runs each command in an event loop of its own.
"""

from stanchion.client.connection import Connection, find
from stanchion.client.rest import Client

__all__ = ["Client", "Connection", "find"]
