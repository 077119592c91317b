"""Work on the book's notebooks: run them, tidy them, begin new ones.

files        which notebooks there are; what differs between two equal runs; writing in one step
execute      run a notebook in a fresh kernel, and watch what it costs
times        note what the chapters cost, and print it on the pages
tidy         undo what an editor left behind; run changed exercises alone
skeletons    exercises and chapters that pass every test as they are
"""
