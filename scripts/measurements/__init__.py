"""What the course claims, measured: the modules that benchmark.py and its siblings share.

provenance       where, with what and on which weights a number was measured
results          a results file of one run: what is there already, what is added
runs             seeds, scores, baselines, one fine-tuning run, a tuned one
news             accuracies on Chinese news
imdb             accuracies on film reviews; the sweep over rates and batch sizes
throughput       the course's recipes against the usual ones
faster           prediction: the usual ways, the course's, a student; its accuracy
arms             the models that comparison.py compares
understanding    news into ten classes by BERT, GPT and T5
"""
