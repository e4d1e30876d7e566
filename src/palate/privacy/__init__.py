"""What the home holds of one person: all of it as JSON, or none of it any more.

Takes: a user id; the home.
Gives: everything that is kept of the listener, told; or its removal, down to the bytes on the disk.
Promises: a deletion that was asked for survives kill -9 and is finished; afterwards the home's files lack the id.
Does not know: requests; how anything is learnt from listens.
"""
