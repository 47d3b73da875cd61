"""Published studies and users' own tables: schema, readers, error model."""
