"""Parts of an answer: what may stand on a shelf, what is said of it, and which shelves make an answer."""
