"""From a sound file to what is in it: beats, key, loudness, voice, sections, and vectors of how it sounds.

Takes: a path to an audio file.
Gives: a Sound.
Promises: one pass in chunks, so that memory does not grow with length; None where something cannot be said.
Does not know: listeners, catalogues, recommending.
"""
