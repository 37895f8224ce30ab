"""The trade's rules as pure functions and tables: areas, categories, calendar, duty, actors."""
