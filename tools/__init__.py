"""Programs that write files of this repository, run from its top folder."""
