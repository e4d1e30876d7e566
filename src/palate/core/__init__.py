"""The nouns that every room shares.

Takes: nothing.
Gives: ids, Item, Listen, Playlist, Candidates, Slate, errors, settings, clock, home, atomic artefacts.
Promises: importing it costs milliseconds; every value is immutable or says so.
Does not know: networks, models, file formats.
"""
