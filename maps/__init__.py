"""What people look at: maps, their style, the assets that pages need."""
