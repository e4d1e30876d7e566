"""The outside world's files, turned into the nouns of the house.

Takes: listening exports, item lists and playlists as csv, tsv, jsonl or parquet; a seed for a simulated world.
Gives: Listens, Items, Memberships, Listeners in file order; a Reject with file, line and reason for each row left out.
Promises: a bad row never stops an import and never vanishes; memory is bounded by the chunk, not by the file.
Does not know: the catalogue, the log, models.
"""
