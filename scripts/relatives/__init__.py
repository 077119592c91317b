"""BERT's relatives at mini size, on equal terms: what family.py and its siblings share.

arms         what each arm is asked
arrays       texts and rows in arrays, batches masked in the three ways
exams        what every arm is scored on: news titles, pairs of sentences, blanks, as arrays
prepared     the work folder: these arrays, made once, and the rows of an arm
steps        a step of the optimiser: its groups, its rate, its precision
scores       how an arm does in its exams
models       the model of an arm, and the losses of what it is asked
training     the loop of all arms, its log and its checkpoints
two_stages   ELECTRA's discriminator, trained after its generator and not with it
runs         arms trained and scored, some side by side, and the row that each leaves
"""
