"""A classifier of a reader's own texts: the parts of classify.py.

notes       what may be said of a row instead of an answer, or beside it
outputs     places for what is written, refused before hours are spent on it; files written whole
training    audit, judge beside TF-IDF, choose the threshold, train and save
answering   predict the rows of a table, and evaluate on labelled ones
"""
