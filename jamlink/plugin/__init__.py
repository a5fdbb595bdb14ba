"""The note plug-in for DAWs: an LV2 bundle in C, and how it is built and installed.

Its far end, inside jamlink, is `ports/plugin_ports.py`.
"""
