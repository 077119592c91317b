"""What the course claims, measured: the modules that benchmark.py and its siblings share.

machine          the machine and the commit, asked without PyTorch
provenance       where, with what and on which weights a number was measured
results          a results file of one run: what is there already, what is added
runs             seeds, scores, baselines, one fine-tuning run, a tuned one
news             accuracies on Chinese news
imdb             accuracies on film reviews; the sweep over rates and batch sizes
sets             the data sets of a kind in a folder, and what their measurements do alike
entities         F1 of named entities
questions        F1 and exact match of answers from passages
pairs            accuracy on pairs of sentences, or correlation with their grades
throughput       the course's recipes against the usual ones
faster           prediction: the usual ways, the course's, a student; its accuracy
arms             the models that comparison.py compares
understanding    news into ten classes by BERT, GPT and T5
"""
