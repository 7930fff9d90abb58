"""The console: every job in a browser, live, explained, and only for those who may.

Pages are written here, on the server, from the same functions that answer the REST API: a page can tell and do nothing
that the API cannot. There is no build step and nothing is fetched from anywhere else, so any node of a half-dead
cluster can show the console by itself.

- ``screen``   a page: its template, and the look at the cluster that fills it; the same URL answers a browser with
  the page and an event stream with what changed since.
- ``live``     what changed: the parts of a page compared with those that the browser shows.
- ``render``   Jinja2's door: the templates, and the words for instants, durations and states.
- ``forms``    what people send: read, carried out by a route of the API, answered by a redirect and a notice.
- ``visit``    who looks, and the way to the sign-in for who is not known.
- ``shell``    what stands around every page: the cluster's name and health, the ways to the other pages.
- ``app``      all of it, mounted at ``/console``.

Every other module is a page or a family of pages, named for what it shows.
"""
