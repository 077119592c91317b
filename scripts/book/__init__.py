"""Work on the book's notebooks: run them, tidy them, begin new ones.

files        which notebooks there are; what differs between two equal runs; writing in one step
execute      run a notebook in a fresh kernel, and watch what it costs
times        note what the chapters cost, and print it on the pages
tidy         undo what an editor left behind; run changed exercises alone
skeletons    exercises and chapters that pass every test as they are
version      the version, and the places that pin its tag
front        the moving picture of the front page
assignments  exercises without solutions, graded by nbgrader
cards        what chats show of a link to a page
slides       a chapter as slides that need no network
packing      site, notebooks, data and models in one zip
"""
