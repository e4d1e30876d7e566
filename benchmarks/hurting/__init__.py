"""What faults.py needs: a home with servers and workers over it, clients that keep count, and the check afterwards."""
