"""Looking at the built website as readers do.

programs   a Chromium or Chrome of this machine, found and opened
serving    a folder served on this machine
"""
