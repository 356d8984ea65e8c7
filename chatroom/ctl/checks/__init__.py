"""What ``chatroomctl check`` looks at: one module for each family of findings.

Each has a function ``find(scene)`` that yields its findings. Other commands that show one of them call the same
function: what is a problem, and its way out, stands in one place.
"""
