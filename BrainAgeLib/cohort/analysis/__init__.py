"""What every analysis of a results table shares: the table, estimates, charts, pages."""
