"""The wizard that makes resources and templates, in the original's steps (seed 14.2.1 and 14.2.2).

Type; name and *Inherit From Template*; what the template asks for; and for whoever ticks *Define Additional
Properties* the scripts, the policies, the preferred nodes and the monitoring, one page after the other. Nothing is made
before the last button. Nothing is kept on the server either: whatever was entered travels in the form, so *Back* loses
nothing, any node can answer the next step, and a wizard that is left leaves nothing behind.

- ``steps``  the steps and the way through them.
- ``made``   what was entered, put into the requests of the API.
- ``pages``  the pages.
"""
