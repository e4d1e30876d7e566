"""The routes, one file for each subject; each is a few lines around one call."""
