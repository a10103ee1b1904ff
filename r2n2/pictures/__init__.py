"""The input: pictures as people have them, turned into the views that a network sees."""
