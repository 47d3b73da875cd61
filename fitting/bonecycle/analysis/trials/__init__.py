"""Virtual trials of the prevention of metastasis: designs, patients, hazard ratios, Cochran's Q."""
