"""For each chapter: other right answers to its exercises, and wrong ones with their hints."""
