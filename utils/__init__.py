"""The small package that the chapters of the course import."""
