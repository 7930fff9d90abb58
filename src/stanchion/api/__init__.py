"""The REST API of one agent: every agent answers it, and any of them may be asked.

Reading is answered from the agent's own view, which may be a moment behind the store. Changing is never done to the
view: configuration goes into the store as a guarded transaction, and an order is written as an intent that the
master judges. After its own write the API waits until the view has caught up, so that what was just saved is there
when it is asked for next. ``app.create`` makes the application, ``server.serve`` runs it inside the agent's event
loop, ``services.Services`` is all that it needs of the agent.
"""
