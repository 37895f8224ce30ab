"""The only place that speaks SQL: tables, the unit of work, one module per kind of thing."""
