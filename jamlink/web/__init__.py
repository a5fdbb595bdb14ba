"""The web page: a process of its own that shows the session in browsers. It owns sockets and pages, never the music.

`keeper` and `slip` are for the processes that start it and import no web server; `main` is the process itself.
"""
