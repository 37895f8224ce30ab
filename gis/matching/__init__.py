"""Evidence -> ranked grids with reasons. Pure."""
