"""The lab's page: runs, one run, comparisons, the catalogue, and the pages of sweeps, reports and listening tests."""
