"""The surfaces: each file here is one, and gives it under the name SURFACE. Nothing else is needed to add one."""
