"""The judge over a home, behind `palate eval`: what it asks, Palate's own methods as it sees them, what it keeps."""
