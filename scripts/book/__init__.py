"""Work on the book's notebooks: run them, tidy them, begin new ones."""
