"""BERT's relatives at mini size, on equal terms: what family.py and its siblings share.

arms         what each arm is asked, how it is trained and resumed, the row it leaves
arrays       texts and rows in arrays, batches masked in the three ways
scores       what every arm is scored on: blanks, news titles, pairs of sentences
"""
