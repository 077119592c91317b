"""What may happen to a reader's files, and how the course meets it: the parts of trust.py.

whole        a file of every accepted format, and a classifier, as they should be
accidents    damage of daily life
watching     a child that reads the damaged files, and who watches it
"""
