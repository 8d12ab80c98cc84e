"""Distribution: the day's users, split equally over the active campaigns and groups A-E, in two databases."""
