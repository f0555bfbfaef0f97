"""The pages of hmi/ for whoever serves them: the charging point, the central system, any host."""
